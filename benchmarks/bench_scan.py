"""Recall and false positives of the scan for personal data, on 1,000 planted identifiers in eight languages.

Everything is synthetic: names are put together from common given names and invented family names, numbers are drawn.
Names here are drawn half from outside the list that the scan ships, so that recall says what a new file would show.

    python benchmarks/bench_scan.py [--json]
"""

import json
import random
import sys
import time
from collections import defaultdict

import numpy as np
import pandas as pd

from sdc.ingest import shapes
from sdc.ingest.checksums import CHECKED, imei
from sdc.ingest.shapes import kinds_found

SEED = 20261122
LANGUAGES = ("en", "fr", "es", "ar", "uk", "am", "my", "bn")
DIGITS = {"ar": "٠١٢٣٤٥٦٧٨٩", "my": "၀၁၂၃၄၅၆၇၈၉", "bn": "০১২৩৪৫৬৭৮৯"}
FRAMES = {
    "en": ["The family asked for help, contact {} for details", "{} told us that water is scarce",
           "Please follow up with {} next week"],
    "fr": ["La famille demande de l'aide, contacter {} pour les détails", "{} a dit que l'eau manque",
           "Il faut rappeler {} la semaine prochaine"],
    "es": ["La familia pide ayuda, contactar a {} para más datos", "{} dijo que falta agua",
           "Hay que llamar a {} la próxima semana"],
    "ar": ["تطلب العائلة المساعدة، للتواصل {} لمزيد من التفاصيل", "{} قال إن المياه قليلة",
           "يرجى المتابعة مع {} الأسبوع القادم"],
    "uk": ["Родина просить допомоги, зв'язатися з {} щодо деталей", "{} каже, що води мало",
           "Прохання зв'язатися з {} наступного тижня"],
    "am": ["ቤተሰቡ እርዳታ ይፈልጋል {} ለዝርዝር", "{} ውሃ እጥረት አለ ብለዋል", "እባክዎ {} በሚቀጥለው ሳምንት ይከታተሉ"],
    "my": ["မိသားစုသည် အကူအညီ လိုအပ်သည် {} အသေးစိတ်", "{} ရေရှားပါးသည်ဟု ပြောသည်", "{} ကို နောက်အပတ် ဆက်သွယ်ပါ"],
    "bn": ["পরিবারটি সাহায্য চায় {} বিস্তারিত", "{} বলেছেন পানির অভাব আছে", "{} এর সাথে আগামী সপ্তাহে যোগাযোগ করুন"],
}  # fmt: skip
CALLS = {
    "en": "call",
    "fr": "tél",
    "es": "teléfono",
    "ar": "هاتف",
    "uk": "телефон",
    "am": "ስልክ",
    "my": "ဖုန်း",
    "bn": "ফোন",
}
PAPERS = {"en": "ID", "fr": "carte d'identité", "es": "cédula", "ar": "رقم الهوية", "uk": "паспорт",
          "am": "መታወቂያ", "my": "မှတ်ပုံတင်",
          "bn": "পরিচয়পত্র"}  # fmt: skip
COUNTRY = {"en": ("265", "0", 9), "fr": ("235", "0", 8), "es": ("57", "", 10), "ar": ("964", "0", 10),
           "uk": ("380", "0", 9),
           "am": ("251", "0", 9), "my": ("95", "0", 9), "bn": ("880", "0", 10)}  # fmt: skip
MOBILE = {"en": "99", "fr": "66", "es": "310", "ar": "790", "uk": "67", "am": "911", "my": "95", "bn": "171"}
NAMES = {  # given names: half in the shipped list, half not; family names are no list's
    "en": (["John Banda", "Grace Phiri", "Samuel Okello", "Mary Atieno"], ["Wongani Mhango",
            "Tawonga Gondwe", "Dalitso Nkhoma", "Lusungu Msiska"]),
    "fr": (["Mahamat Ali", "Fatima Oumar", "Jean Ngarta", "Moussa Abakar"], ["Allamine Djimet",
            "Achta Brahim", "Ngueita Mbairo", "Zenaba Hisseine"]),
    "es": (["María González", "José Ramírez", "Ana Quispe", "Luis Mendoza"], ["Yuleidy Arrieta",
            "Wilmer Cuero", "Nayibe Palacios", "Jeison Mosquera"]),
    "ar": (["محمد علي حسن", "فاطمة جاسم", "أحمد محمود", "زينب عباس"], ["شهلاء بن رستم",
            "دلشاد عبد الله بن ميران", "ئاشتي بنت سردار", "كاوه بن هوشيار"]),
    "uk": (["Олена Петренко", "Іван Шевчук", "Марія Бондар", "Сергій Олександр"], ["Зоряна Гнатюк",
            "Остап Кравець", "Мирослава Дзюба", "Лев Стецько"]),
    "am": (["አበበ ከበደ", "ተስፋዬ ግርማ", "አልማዝ በቀለ", "ዳዊት ሰለሞን"], ["ወርቅነሽ ደምሴ", "ሞላ አያሌው", "እጅጋየሁ ሽፈራው", "ንጉሴ ማሞ"]),
    "my": (["ဦးအောင်မြင့်", "ဒေါ်ခင်သန်း", "ဦးကျော်ဇော်", "ဒေါ်မြင့်ဌေး"], ["ဦးဘရန်", "ဒေါ်ယုယု", "ဦးပညာ", "ဒေါ်ရီရီ"]),
    "bn": (["মোহাম্মদ রহিম", "ফাতেমা আলী", "কামরুল হাসান", "নাসিমা রহিমা"], ["শাপলা বিশ্বাস", "তন্ময় সরকার", "জোছনা দাস", "পলাশ মণ্ডল"]),
}  # fmt: skip
PLAIN = {
    "en": ["No water since March 2024, 12 households affected",
           "Camp Ibrahim has 1,250 people and 3 wells", "Distance 12.5 km, price 14,250 per 50 kg",
           "They left on 05/03/2024 because of floods",
           "School in San Juan is closed until 2024-09-01", "Need 4,500 kits by 10:30 on Monday"],
    "fr": ["Pas d'eau depuis mars 2024, 12 ménages touchés",
           "Le site de Sainte Marie compte 1 250 personnes", "Prix de 14 250 francs pour 50 kg",
           "Partis le 05/03/2024 à cause des inondations", "L'école du quartier Ali est fermée",
           "Il faut 4 500 kits avant lundi"],
    "es": ["Sin agua desde marzo de 2024, 12 hogares afectados", "En San Pedro hay 1.250 personas",
           "Precio de 14.250 pesos por 50 kg",
           "Salieron el 05/03/2024 por las inundaciones", "La escuela de Santa María está cerrada",
           "Se necesitan 4.500 kits el lunes"],
    "ar": ["لا توجد مياه منذ آذار ٢٠٢٤ في ١٢ أسرة", "مخيم محمد فيه ١٢٥٠ شخصا",
           "السعر ١٤٢٥٠ دينار لكل ٥٠ كغم", "غادروا في ٠٥/٠٣/٢٠٢٤ بسبب الفيضان",
           "المدرسة في حي علي مغلقة", "نحتاج ٤٥٠٠ حصة يوم الاثنين"],
    "uk": ["Немає води з березня 2024 року, 12 родин", "У місті Олександрія 1 250 осіб",
           "Ціна 14 250 грн за 50 кг", "Виїхали 05.03.2024 через обстріли",
           "Школа на вулиці Петра зачинена", "Потрібно 4 500 наборів у понеділок"],
    "am": ["ከመጋቢት 2024 ጀምሮ ውሃ የለም 12 ቤተሰብ", "በካምፑ 1,250 ሰዎች አሉ", "ዋጋ 14,250 ብር ለ 50 ኪሎ",
           "በ05/03/2024 በጎርፍ ምክንያት ወጡ", "ትምህርት ቤቱ ተዘግቷል", "4,500 ዕቃ ያስፈልጋል"],
    "my": ["မတ်လ ၂၀၂၄ ကတည်းက ရေမရှိ ၁၂ အိမ်ထောင်", "စခန်းတွင် လူ ၁၂၅၀ ရှိသည်",
           "စျေးနှုန်း ၁၄၂၅၀ ကျပ်", "၀၅/၀၃/၂၀၂၄ တွင် ထွက်ခွာသည်", "ကျောင်း ပိတ်ထားသည်",
           "ပစ္စည်း ၄၅၀၀ လိုသည်"],
    "bn": ["মার্চ ২০২৪ থেকে পানি নেই, ১২ পরিবার", "শিবিরে ১২৫০ জন আছে", "দাম ১৪২৫০ টাকা ৫০ কেজি",
           "০৫/০৩/২০২৪ তারিখে বন্যায় চলে গেছে", "স্কুল বন্ধ আছে",
           "৪৫০০ কিট দরকার"],
}  # fmt: skip
CODES = ("MWI10101", "UA2102001", "ANB-112", "TD0704", "30108013017", "2024-05-06", "WASH/health",
         "B2_01", "S-0441-12", "1.5.2", "0102", "R05/2024",
         "61-70", "PKG 12345678", "12345678", "v2.10.3", "ISO 9001:2015", "10:45-11:30", "UTC+03:00",
         "50%/50%")  # fmt: skip


def main() -> None:
    rng = random.Random(SEED)
    planted = [(kind, language, text) for kind, language, text in _planted(rng)]
    plain = _plain(rng)
    texts = pd.Series([text for _, _, text in planted] + plain, dtype="str")
    order = np.random.default_rng(SEED).permutation(len(texts))
    start = time.process_time()
    found = kinds_found(texts.iloc[order].reset_index(drop=True), names=True)
    seconds = time.process_time() - start
    back = np.argsort(order)
    hits = {kind: hit[back] for kind, hit in found.items()}
    none = np.zeros(len(texts), dtype=bool)
    by_kind: dict[str, list[int]] = defaultdict(list)
    by_language: dict[str, list[int]] = defaultdict(list)
    for place, (kind, language, _) in enumerate(planted):
        by_kind[kind].append(place)
        by_language[language].append(place)
        if kind == shapes.NAME:
            by_kind[f"{kind} {'not ' if place // len(LANGUAGES) % 2 else ''}listed"].append(place)
    any_hit = np.logical_or.reduce(list(hits.values()))
    rows = [
        {
            "kind": kind,
            "planted": len(places),
            "found": int(hits.get(kind, none)[places].sum()),
            "found as some kind": int(any_hit[places].sum()),
            "false, of other texts": int(hits.get(kind, none)[len(planted) :].sum()),
        }
        for kind, places in sorted(by_kind.items())
        if kind in shapes.KINDS
    ]
    answer = {
        "planted": len(planted),
        "other texts": len(plain),
        "found": sum(row["found"] for row in rows),
        "other texts with any hit": int(any_hit[len(planted) :].sum()),
        "cpu_seconds": round(seconds, 2),
        "by kind": rows,
        "names of persons, by whether the given name is in the shipped list": {
            told: f"{sum(bool(hits[shapes.NAME][p]) for p in places)} of {len(places)}"
            for told, places in (
                ("listed", by_kind[shapes.NAME + " listed"]),
                ("not listed", by_kind[shapes.NAME + " not listed"]),
            )
        },
        "by language": {
            language: f"{sum(bool(hits.get(planted[p][0], none)[p]) for p in places)} of {len(places)}"
            for language, places in by_language.items()
        },
    }
    if "--json" in sys.argv:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    print(
        f"{answer['found']} of {answer['planted']} found; {answer['other texts with any hit']} of {len(plain)} other "
        f"texts hit; {seconds:.2f} CPU s"
    )
    for row in rows:
        print(f"{row['kind']:24} {row['found']:4} of {row['planted']:4}   false {row['false, of other texts']}")
    print(answer["names of persons, by whether the given name is in the shipped list"])
    print(answer["by language"])
    if "--misses" in sys.argv:
        for place, (kind, language, text) in enumerate(planted):
            if not hits.get(kind, none)[place]:
                print("MISS", kind, language, text)
        for place, text in enumerate(plain, start=len(planted)):
            if any_hit[place]:
                print("FALSE", [kind for kind, hit in hits.items() if hit[place]], text)


def _planted(rng: random.Random) -> list[tuple[str, str, str]]:
    """A thousand texts, each with one identifier, by kind and language."""
    made = []
    quota = {shapes.PHONE: 240, shapes.NAME: 240, shapes.EMAIL: 80, shapes.SPOT: 96,
             shapes.IDENTITY: 120, shapes.DEVICE: 64,
             shapes.ACCOUNT: 40, shapes.MEDIA: 40, shapes.WEB: 24, shapes.CARD: 24, shapes.UUID: 32}  # fmt: skip
    for kind, number in quota.items():
        for place in range(number):
            language = LANGUAGES[place % len(LANGUAGES)]
            made.append((kind, language, rng.choice(FRAMES[language]).format(_identifier(kind, language, place, rng))))
    assert len(made) == 1000
    return made


def _identifier(kind: str, language: str, place: int, rng: random.Random) -> str:
    form = place // len(LANGUAGES) % 4
    draw = lambda n: "".join(rng.choice("0123456789") for _ in range(n))  # noqa: E731
    if kind == shapes.PHONE:
        code, trunk, length = COUNTRY[language]
        national = MOBILE[language] + draw(length - len(MOBILE[language]))
        text = (
            f"+{code} {national[:2]} {national[2:5]} {national[5:]}", f"00{code}{national}", f"{trunk}{national}",
            f"{CALLS[language]} {trunk}{national[:3]}-{national[3:6]}-{national[6:]}",
        )[form]  # fmt: skip
        own = DIGITS.get(language) if place % 2 else None
        return text.translate(str.maketrans("0123456789", own)) if own else text
    if kind == shapes.NAME:
        return rng.choice(NAMES[language][form % 2])
    if kind == shapes.EMAIL:
        return (
            f"user{draw(3)}@example.org",
            f"first.last{draw(2)}@mail.example.com",
            f"x_{draw(4)}@example.net",
            f"user{draw(2)} [at] example.org",
        )[form]
    if kind == shapes.SPOT:
        lat, lon = rng.uniform(-30, 50), rng.uniform(-80, 100)
        return (
            f"{lat:.6f}, {lon:.6f}", f"{lat:.5f} {lon:.5f} 531.9 4.9",
            f"{abs(int(lat))}°{draw(1)}5'{draw(1)}2\"N {abs(int(lon))}°{draw(1)}1'{draw(1)}8\"E",
            f"{abs(lat):.4f}N, {abs(lon):.4f}E",
        )[form]  # fmt: skip
    if kind == shapes.IDENTITY:
        if form == 3 and language == "my":
            return f"12/KaMaYa(N){draw(6)}"
        if form == 3 and language == "es":
            number = rng.randrange(10_000_000, 99_999_999)
            return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
        return f"{PAPERS[language]} {draw(9)}" if form % 2 else f"{PAPERS[language]}: {rng.choice('ABCKM')}{draw(7)}"
    if kind == shapes.DEVICE:
        return next(n for n in iter(lambda: "35" + draw(13), None) if imei(n))
    if kind == shapes.CARD:
        from sdc.ingest.checksums import card

        digits = next(n for n in iter(lambda: "4" + draw(15), None) if card(n))
        return f"{digits[:4]} {digits[4:8]} {digits[8:12]} {digits[12:]}" if form % 2 else digits
    if kind == shapes.ACCOUNT:
        bank = rng.choice(["UA", "IQ", "JO", "FR", "ES"])
        body = draw(18)
        rest = 98 - int(body + str(ord(bank[0]) - 55) + str(ord(bank[1]) - 55) + "00") % 97
        account = f"{bank}{rest:02}{body}"
        return account if form % 2 else " ".join(account[i : i + 4] for i in range(0, len(account), 4))
    if kind == shapes.MEDIA:
        return (f"https://kc.kobotoolbox.org/media/original?file={draw(8)}", f"https://odk.example.org/audit/{draw(6)}.csv",
                f"https://files.example.org/p/{draw(9)}.jpg ",
                f"https://eu.kobotoolbox.org/attachments/{draw(5)}.m4a")[form]  # fmt: skip
    if kind == shapes.WEB:
        return (
            f"https://example.org/person/{draw(5)}",
            f"www.example.com/profile/{draw(4)}",
            f"http://example.net/u/{draw(3)}",
            f"https://example.org/{draw(2)}",
        )[form]
    return f"{draw(8)}-{draw(4)}-4{draw(3)}-a{draw(3)}-{draw(12)}"


def _plain(rng: random.Random) -> list[str]:
    """Four thousand texts and codes that name nobody."""
    texts = []
    while len(texts) < 4000:
        language = rng.choice(LANGUAGES)
        texts.append(
            f"{rng.choice(PLAIN[language])} {rng.choice(CODES)}"
            if rng.random() < 0.7
            else f"{rng.choice(CODES)} {rng.randrange(10_000)}"
        )
    return texts


if __name__ == "__main__":
    assert CHECKED
    main()
