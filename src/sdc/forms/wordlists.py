"""Words of names and labels that tell what a column is, in the languages of the forms; written without accents."""

from sdc.dictionary import Confidence, Geography, Role, Sensitivity, Type

_HIGH, _MEDIUM, _LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW


def _words(text: str) -> tuple[str, ...]:
    """Words apart from each other; `_` joins two that must stand together."""
    return tuple(word.replace("_", " ") for word in text.split())


ANONYMISE: dict[str, tuple[Role, str, Confidence]] = {
    "remove": (Role.IDENTIFIER, "a direct identifier that ends", _HIGH),
    "reference": (Role.IDENTIFIER, "an identifier that is kept apart from the data", _HIGH),
    "scramble": (Role.IDENTIFIER, "an identifier that was to be hashed; it ends at ingest", _MEDIUM),
    "mask": (Role.IDENTIFIER, "an identifier that was to be masked; it ends at ingest", _MEDIUM),
    "key": (Role.KEY, "an intruder may know it", _HIGH),
    "sensitive": (Role.SENSITIVE, "an intruder may want it", _HIGH),
    "outlier": (Role.KEY, "its extreme values single people out; it needs bands", _MEDIUM),
}
"""koboloadeR's words."""

QUESTION_TYPES: dict[str, tuple[Role, str, Confidence, Sensitivity, Geography | None]] = {
    **{
        kind: (Role.IDENTIFIER, what, _HIGH, Sensitivity.SEVERE, None)
        for kind, what in {
            "deviceid": "names the device that was used",
            "phonenumber": "a telephone number",
            "username": "names the enumerator's account",
            "email": "an e-mail address",
            "subscriberid": "names the device that was used",
            "simserial": "names the device that was used",
            "image": "a picture",
            "audio": "a voice",
            "background-audio": "a voice",
            "video": "a film",
            "file": "a file that somebody attached",
            "barcode": "the number on somebody's card",
            "audit": "a link to a log of the device",
        }.items()
    },
    "geopoint": (Role.IDENTIFIER, "coordinates of a person or a device", _HIGH, Sensitivity.SEVERE, Geography.POINT),
    "start-geopoint": (Role.IDENTIFIER, "coordinates of the device", _HIGH, Sensitivity.SEVERE, Geography.POINT),
    "background-geopoint": (Role.IDENTIFIER, "coordinates of the device", _HIGH, Sensitivity.SEVERE, Geography.POINT),
    "geotrace": (Role.IDENTIFIER, "a path of coordinates", _HIGH, Sensitivity.SEVERE, Geography.POINT),
    "geoshape": (Role.IDENTIFIER, "an outline in coordinates", _HIGH, Sensitivity.SEVERE, Geography.POINT),
    "start": (Role.OTHER, "when the interview began", _MEDIUM, Sensitivity.MODERATE, None),
    "end": (Role.OTHER, "when the interview ended", _MEDIUM, Sensitivity.MODERATE, None),
    "today": (Role.OTHER, "the day of the interview", _MEDIUM, Sensitivity.LOW, None),
    "note": (Role.OTHER, "a text that is shown; nobody answers it", _HIGH, Sensitivity.LOW, None),
    "acknowledge": (Role.OTHER, "somebody saw a text", _MEDIUM, Sensitivity.LOW, None),
}

REMARKS = frozenset(
    _words(
        "comment comments commentaire commentaires remark remarks remarque remarques observation observations "
        "observacion observaciones comentario comentarios note notes ملاحظات ملاحظة примітки примечания"
    )
)
"""Words of a name under which people write what they like."""

PERSON_NAME = _words(
    "name names fullname firstname lastname surname nom noms prenom prenoms nombre_completo apellido apellidos "
    "nombres nome sobrenome اسم الاسم لقب اللقب نام magaca magac имя фамилия jina username"
)
BARE_NAME = frozenset(_words("name names nom noms nome اسم الاسم نام magaca magac jina"))
NO_NAME = _words(
    "organization organisation organizations agency partner ngo survey project form instance language product "
    "crop disease donor المنظمة xform variable column"
)
PERSONS = _words(
    "enum enumerator enumerators enqueteur enquetrice interviewer ki informant informateur respondent repondant "
    "resp interviewee beneficiary beneficiaire contact member membre person personne persona head hoh hohh chef "
    "mother mere father pere child enfant leader focal supervisor full first last family given encuestador "
    "المستجيب الباحث العداد رب"
)
PLACES = _words(
    "site camp village villages settlement location localite locality region district province governorate admin "
    "adm area zone town city ville commune school facility market place country pays neighbourhood quartier state "
    "county الموقع المخيم القرية المحافظة المنطقة water point"
)
_NUMBERS = (Type.TEXT, Type.INTEGER, Type.NUMBER)
IDENTIFIERS: tuple[tuple[str, tuple[str, ...], tuple[Type, ...], Confidence], ...] = (
    (
        "a telephone number",
        _words(
            "phone phones telephone tel mobile_number mobile cellphone msisdn whatsapp telefono celular telefone "
            "هاتف الهاتف جوال موبايل تلفون taleefan telefoon lambarka simu телефон contact_number"
        ),
        _NUMBERS,
        _HIGH,
    ),
    (
        "an e-mail address",
        _words("email mail courriel correo البريد"),
        (Type.TEXT,),
        _HIGH,
    ),
    (
        "the number of a device",
        _words("imei deviceid device_id simserial simid subscriberid mac_address"),
        (*_NUMBERS, Type.CODE),
        _HIGH,
    ),
    (
        "an identity document",
        _words(
            "passport passeport pasaporte national_id nationalid nid cnic tazkira cedula dni id_number "
            "identity_card carte_identite id_card document_number هويه هوية الهوية جواز ssn"
        ),
        _NUMBERS,
        _HIGH,
    ),
    (
        "the number of a case, a card or a registration",
        _words(
            "case_number case_no caseno casenumber case_id case_numbers registration_number registration_no "
            "reg_no ration_card ration_number numero_enregistrement progres_id beneficiary_id individual_id "
            "person_id member_id unhcr_case file_number"
        ),
        (*_NUMBERS, Type.CODE),
        _HIGH,
    ),
    (
        "a bank account",
        _words("iban bank_account account_number compte_bancaire mobile_money"),
        _NUMBERS,
        _HIGH,
    ),
    (
        "a date of birth",
        _words("dob birth birthdate birthday naissance nacimiento الميلاد ميلاد dobmember"),
        (Type.DATE, Type.TEXT),
        _HIGH,
    ),
    (
        "coordinates",
        _words(
            "gps latitude longitude lat lon lng coordinates coordinate coordonnees coords geopoint geolocation "
            "coordenadas altitude احداثيات الاحداثيات"
        ),
        _NUMBERS,
        _HIGH,
    ),
    (
        "an address",
        _words("address adresse direccion endereco street rue calle عنوان العنوان cinwaanka house_number"),
        (Type.TEXT,),
        _MEDIUM,
    ),
    (
        "the number of a submission",
        _words("uuid instanceid instance_name instancename response_id submission_id"),
        (*_NUMBERS, Type.CODE),
        _HIGH,
    ),
    (
        "a signature or a picture",
        _words("signature photo picture selfie thumbprint fingerprint"),
        (Type.TEXT,),
        _HIGH,
    ),
)
HOUSEHOLD_IDS = _words(
    "hh_id hhid household_id householdid household_number hh_number id_menage numero_menage family_id hh_code "
    "household_code id_hogar"
)
WEIGHTS = _words("weight weights sampling_weight poids ponderation peso sample_weight")
COUNTING = _words(
    "num number nb nbr count total nombre no how_many combien numero cuantos cantidad عدد tirada кількість "
    "количество число"
)
COUNTED = _words(
    "ind inds individuals individual idp idps returnee returnees migrant migrants persons people personnes "
    "elderly infants minors adults hh hhs household households families family familles menages men women "
    "children boys girls male female males females refugees arrivals departures hommes femmes enfants personas "
    "hogares familias population الافراد افراد الاسر اسرة نازحين النازحين qoys qof deplaces deplacees retournes "
    "refugies desplazados beneficiaries beneficiaires beneficiarios displaced displacements inneed in_need "
    "targeted reached affected hombres mujeres ninos ninas впо осіб особи сімеи домогосподарств чоловіків жінок "
    "дітеи человек семеи мужчин женщин детеи"
)
ONLY_COUNTED = frozenset((*COUNTED, *_words("of de des la los in need and et y the years ans anos total new")))

SENSITIVE: dict[str, str] = {
    **dict.fromkeys(
        _words(
            "clan clans tribe tribal tribu ethnic ethnicity ethnie ethnique etnia qabiil قبيلة عشيرة minority "
            "minorite caste"
        ),
        "ethnic origin",
    ),
    **dict.fromkeys(_words("religion religious religieux sect faith دين الدين"), "belief"),
    **dict.fromkeys(_words("political politique"), "political opinion"),
    **dict.fromkeys(
        _words("disability disabilities disabled handicap handicape impairment difficulty discapacidad اعاقة الاعاقة"),
        "disability",
    ),
    **dict.fromkeys(
        _words(
            "illness illnesses disease diseases chronic maladie maladies enfermedad sick مرض امراض hiv aids "
            "tuberculosis diagnosis diarrhoea diarrhea malnutrition muac medical pregnant pregnancy enceinte "
            "lactating embarazada حامل mental psychosocial trauma"
        ),
        "health",
    ),
    **dict.fromkeys(
        _words(
            "gbv sgbv violence violences rape abuse harassment exploitation trafficking traite forced violencia عنف "
            "تحرش marriage"
        ),
        "violence or exploitation",
    ),
    **dict.fromkeys(
        _words("detention detained arrest arrested torture recruitment armed protection eviction"), "protection"
    ),
    **dict.fromkeys(_words("income revenu ingreso salary debt dette savings deuda دخل ديون"), "money of a household"),
    **dict.fromkeys(
        _words("vulnerability vulnerabilities vulnerable vulnerabilite unaccompanied separated_child"), "vulnerability"
    ),
}

DEMOGRAPHIC: dict[str, str] = {
    **dict.fromkeys(_words("sex gender sexe genre sexo genero الجنس جنس jinsi jinsiga пол"), "sex"),
    **dict.fromkeys(_words("age ages edad idade العمر عمر السن umri возраст agegroup"), "age"),
    **dict.fromkeys(
        _words("nationality nationalite nacionalidad citizenship citoyennete الجنسية جنسية"), "nationality"
    ),
    **dict.fromkeys(
        _words("marital matrimonial civil_status etat_civil estado_civil married الزواجية"), "marital status"
    ),
    **dict.fromkeys(_words("education_level education schooling niveau_instruction escolaridad التعليم"), "education"),
    **dict.fromkeys(_words("relationship relation lien parente parentesco صلة"), "relation to the head"),
    **dict.fromkeys(_words("occupation profession employment job metier ocupacion المهنة"), "occupation"),
    **dict.fromkeys(
        _words("hh_size hhsize household_size family_size taille_menage num_members"), "size of the household"
    ),
    **dict.fromkeys(_words("language langue mother_tongue idioma اللغة"), "language"),
    **dict.fromkeys(_words("year_birth birth_year annee_naissance born"), "year of birth"),
    **dict.fromkeys(_words("arrival displacement_date date_arrival date_displacement"), "time of arrival"),
}

AREAS: dict[str, Geography] = {
    **dict.fromkeys(_words("country countries pays pais iso iso2 iso3 البلد الدولة"), Geography.ADMIN0),
    **dict.fromkeys(
        _words(
            "region province governorate gouvernorat provincia departamento المحافظة gobolka gobol wilaya oblast state "
            "estado область"
        ),
        Geography.ADMIN1,
    ),
    **dict.fromkeys(
        _words(
            "district county departement municipio municipality degmada degmo cercle المديرية القضاء raion lga раион"
        ),
        Geography.ADMIN2,
    ),
    **dict.fromkeys(
        _words("commune subdistrict sub_district ward payam canton parroquia الناحية woreda upazila hromada громада"),
        Geography.ADMIN3,
    ),
    **dict.fromkeys(
        _words(
            "village neighbourhood neighborhood quartier boma locality localite barrio القرية الحي tuulada city town "
            "kebele"
        ),
        Geography.ADMIN4,
    ),
    **dict.fromkeys(_words("site camp settlement ssid الموقع المخيم xerada"), Geography.SITE),
}

TAKING_PART = frozenset(
    _words("deviceid encuestador enqueteur enquetrice enum enumerator interviewer supervisor الباحث العداد")
)
"""Words of a name that speak of those who ask, not of those who answer."""
