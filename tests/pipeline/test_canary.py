"""No value of a person leaves the house but in the file that was asked for: tokens in the extracts, then a search."""

import hashlib
import json

import pandas as pd
import pytest
from checkouts import BUILT, COUNTS, MINIMUM, PERSONS, SITES, UNIT, Checkout, leaks, number_leaks, told

from sdc.dictionary import read_dictionary
from sdc.files import read_table, write_table

NOWHERE = ("identifier", "household")
RAW = ("mobility_tracking_r01", "mobility_tracking_r02", "registration_r01")


# What the audit keeps of a release holds values, as typed data do.
SECURE = tuple(f"data/audits/{request}/{name}" for request in BUILT for name in ("facts", "exposed.csv"))


def written(checkout: Checkout, *but: str) -> list:
    """All files of a checkout and what lies beside it (home, temporary files, logs), but for some folders."""
    places = [path for path in checkout.root.parent.rglob("*") if path.is_file()]
    gone = [checkout.root / name for name in (".git", "src", *but)]
    return [path for path in places if not any(folder == path or folder in path.parents for folder in gone)]


def typed(checkout: Checkout) -> list:
    return sorted((checkout / "data/typed").rglob("*.parquet"))


class TestTheSearchItself:
    """It finds what is there: in text, in a workbook, in Parquet, in the names of files."""

    @pytest.mark.parametrize("kind", ["identifier", "household", "text", "open", "code"])
    def test_every_token_is_planted(self, built, kind):
        raw = sorted((built.checkout / "data/raw").iterdir())
        assert built.tokens[kind]
        assert told(raw, built.tokens[kind]) == set(built.tokens[kind])

    def test_every_token_but_those_that_end_at_ingest_is_in_a_typed_table(self, built):
        tables = typed(built.checkout)
        for kind in ("text", "open", "code"):
            assert told(tables, built.tokens[kind]) == set(built.tokens[kind]), kind

    def test_every_small_count_is_in_a_typed_table(self, built):
        tables = [path for path in typed(built.checkout) if "mobility" in path.name]
        for n in range(1, 10):
            assert number_leaks(tables, (n * UNIT,)), n

    def test_within_archives(self, tmp_path):
        frame = pd.DataFrame({"a": pd.Categorical(["qnrx", "b"]), "n": [5, 86453]})
        frame.to_parquet(tmp_path / "frame.parquet")
        frame.to_excel(tmp_path / "book.xlsx", sheet_name="s")
        (tmp_path / "page.html").write_text("<p>q&#110;rx: 86,453 persons, and &#56;6453</p>")
        (tmp_path / "text.csv").write_text("QNRX,1\n2,86453\n")
        for path in tmp_path.iterdir():
            assert leaks([path], ["qnrx"]), path.name
            assert number_leaks([path], (86453,)), path.name
            assert not leaks([path], ["qnry"])
            assert not number_leaks([path], (8645,))
        (tmp_path / "others.txt").write_text("186453 864530 1,086,453 86,453,000 0.86453 f86453a 86453.5")
        assert not number_leaks([tmp_path / "others.txt"], (86453,))


class TestABuiltCheckout:
    @pytest.mark.parametrize("kind", NOWHERE)
    def test_who_somebody_is_ends_at_ingest(self, built, kind):
        assert not leaks(written(built.checkout, "data/raw"), built.tokens[kind])

    def test_free_text_ends_at_the_typed_table(self, built):
        assert not leaks(written(built.checkout, "data/raw", "data/typed"), built.tokens["text"])

    def test_codes_without_a_list_are_in_the_released_file_only(self, built):
        released = [f"data/protected/{name}/table.parquet" for name in (SITES, PERSONS)]
        released += [
            f"data/candidates/{request}/{built.checkout.package(request).name}/data"
            for request in (SITES, PERSONS)  # the counts are summed over places: nothing of one place is left
        ]
        assert not leaks(written(built.checkout, "data/raw", "data/typed", *SECURE, *released), built.tokens["open"])
        assert leaks([built.checkout / path for path in released[:2]], built.tokens["open"]), "nothing was released"

    def test_codes_of_a_list_are_in_the_documents_and_the_released_file_only(self, built):
        """A code list is no data; what was answered is. The pages of results and the reports show neither."""
        checkout = built.checkout
        allowed = ["data/raw", "data/typed", "dictionary", "expectations", *SECURE]
        for request in BUILT:
            package = f"data/candidates/{request}/{checkout.package(request).name}"
            allowed += [f"data/protected/{request}/table.parquet", f"{package}/data", f"{package}/datapackage.json"]
            allowed += [f"data/verdicts/{request}/docs/expectations"]
        listings = [path for path in written(checkout) if path.parent.name == "expectations" and path.suffix == ".html"]
        cached = {_cached(path) for path in listings}
        others = [
            path
            for path in written(checkout, *allowed)
            if path.relative_to(checkout.root.parent).as_posix()
            not in {f"{checkout.root.name}/{name}" for name in cached}
        ]
        assert not leaks(others, built.tokens["code"])

    def test_codes_that_the_policy_keeps_back_are_in_no_package(self, built):
        for request in BUILT:
            package = built.checkout.package(request)
            table = read_table(built.checkout / f"data/protected/{request}/table.parquet")
            shown = set(table.rows.columns)
            dictionary = _dictionary(built.checkout, request)
            held = [
                token
                for variable in dictionary.variables
                for token in built.tokens["code"]
                if token in variable.codes and variable.name not in shown
            ]
            assert held
            assert not leaks([path for path in package.rglob("*") if path.is_file()], held)

    @pytest.mark.parametrize(("request_id", "below"), [(COUNTS, 10), (SITES, 5)])
    def test_small_counts_end_at_the_typed_table(self, built, tmp_path, request_id, below):
        """Widths of intervals may be as large as a small count, and are none: the verdict is searched without them."""
        small = tuple(n * UNIT for n in range(1, below))
        assert max(small) < MINIMUM["public" if request_id == COUNTS else "restricted"] <= below * UNIT
        verdict = f"data/verdicts/{request_id}/verdict.json"
        copies = [_cached(built.checkout / f"data/verdicts/{name}/verdict.json") for name in BUILT]
        whole = written(built.checkout, "data/raw", "data/typed", verdict, *copies, *SECURE)
        judged = json.loads((built.checkout / verdict).read_text())
        judged["cells"].pop("narrowest_interval")
        (tmp_path / "verdict.json").write_text(json.dumps(judged))
        assert not number_leaks([tmp_path / "verdict.json"], small)
        mine = [path for path in whole if request_id in path.as_posix()]
        others = [path for path in whole if not any(name in path.as_posix() for name in BUILT)]
        assert len(mine) > 10
        assert not number_leaks(mine, small)
        assert not number_leaks(others, tuple(n * UNIT for n in range(1, 5)))

    def test_large_counts_are_released(self, built):
        """Or else the test above would show nothing."""
        for request in (COUNTS, SITES):
            table = read_table(built.checkout / f"data/protected/{request}/table.parquet")
            counts = table.rows["m0310_loc_num_idp_ind"]
            assert counts.notna().mean() > 0.3, request
            assert (counts.dropna() >= 4 * UNIT).sum() > 5, request

    def test_dvc_keeps_no_copy_of_what_holds_people(self, built):
        root = built.checkout.root
        copies = {path.parent.name + path.name for path in (root / ".dvc/cache/files/md5").rglob("*") if path.is_file()}
        assert copies
        for folder in ("data/raw", "data/typed", "data/protected", "data/candidates"):
            for path in (root / folder).rglob("*"):
                if path.is_file() and path.name != "ledger.json":
                    assert hashlib.md5(path.read_bytes()).hexdigest() not in copies, path
        assert not [path for path in (root / ".dvc/cache").rglob("*") if path.is_file() and _is_table(path)]

    def test_files_with_people_are_their_owners_only(self, built):
        open_to_others = [
            path
            for path in (built.checkout / "data").rglob("*")
            if path.is_file() and path.stat().st_mode & 0o077 and _reachable(path, built.checkout.root)
        ]
        assert not open_to_others


class TestWhenAStageRefuses:
    @pytest.mark.parametrize(
        ("column", "cell", "said"),
        [
            ("r3111_ind_age", "{}", "are not whole numbers"),
            ("r3110_ind_sex", "{}", "hold a code outside the list"),
            ("registration_date", "{}", "are no dates"),
            ("{}", "", "has no entry in the dictionary"),
            ("r3100_ind_registration_number", "same{}", "twice"),
        ],
        ids=["number", "code", "date", "column", "duplicate"],
    )
    def test_a_cell_that_is_a_token(self, built, checkout, column, cell, said):
        token = "qnrzeta"
        raw = checkout / "data/raw/registration_r01.csv"
        frame = pd.read_csv(raw, dtype="str", keep_default_na=False)
        if column == "{}":
            frame = frame.rename(columns={"r3110_ind_sex": f"{token} 0999123"})
        else:
            frame.loc[3:9, column] = cell.format(token)
        frame.to_csv(raw, index=False)
        self._refused(built, checkout, "ingest@registration_r01", 11, [token, *_all(built)], (), said)

    def test_an_identity_that_does_not_hold(self, built, checkout):
        raw = checkout / "data/raw/mobility_tracking_r01.csv"
        frame = pd.read_csv(raw, dtype="str", keep_default_na=False)
        frame["m1536_loc_num_arrival_ind_period"] = "777001778"
        frame.to_csv(raw, index=False)
        said = "is not the sum of"
        self._refused(built, checkout, "ingest@mobility_tracking_r01", 11, _all(built), (777001778,), said)

    def test_a_protected_table_with_people_in_it(self, built, checkout):
        """A broken step, or a hand in the file: the judge says so, and shows nothing."""
        path = checkout / f"data/protected/{PERSONS}/table.parquet"
        table, before = read_table(path), read_table(checkout / "data/typed/registration/registration_r01.parquet")
        comments = before["r3129_hh_comments"]
        rows = table.rows.assign(r3129_hh_comments=before.rows["r3129_hh_comments"])
        write_table(type(table)(rows, (*table.variables, comments), table.links), path)
        command = checkout.command(f"validate@{PERSONS}")
        done = checkout.run(*command)
        assert done.returncode == 13, done.stderr
        assert "no_free_text" in done.stderr
        left = written(checkout, "data/raw", "data/typed", "data/protected", "data/candidates", "dictionary")
        (checkout.root.parent / "told").write_text(done.stdout + done.stderr)
        assert (checkout / f"data/verdicts/{PERSONS}/report.html").exists()
        assert not leaks([*left, checkout.root.parent / "told"], [*built.tokens["text"], *built.tokens["identifier"]])

    def _refused(self, built, checkout, stage, code, tokens, numbers, said):
        done = checkout.run("dvc", "repro", stage)
        text = checkout.root.parent / "told"
        text.write_text(done.stdout + done.stderr)
        assert done.returncode != 0
        assert f"exited with {code}" in done.stderr
        assert said in done.stderr
        left = [*written(checkout, "data/raw", "data/typed"), text]
        ended = [*built.tokens["identifier"], *built.tokens["household"], *built.tokens["text"]]
        assert not leaks(left, [*ended, tokens[0]])
        assert not leaks([text], tokens)
        if numbers:
            assert not number_leaks(left, numbers)


def _all(built) -> list[str]:
    return [token for kind in built.tokens.values() for token in kind]


def _cached(path) -> str:
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    return f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"


def _is_table(path) -> bool:
    start = path.read_bytes()[:4]
    return start in (b"PAR1", b"PK\x03\x04")


def _reachable(path, root) -> bool:
    """Whether no folder above keeps others out."""
    above = [folder for folder in path.parents if root in folder.parents]
    return all(folder.stat().st_mode & 0o011 for folder in above)


def _dictionary(checkout: Checkout, request: str):
    component = "registration" if request == PERSONS else "mobility_tracking"
    return read_dictionary(checkout / f"dictionary/{component}.yaml")
