"""Tables of text in layouts like those of docs/tables.md, each otherwise than its sample.

Each function writes one, and returns a command, and what is to be stored, or what the refusal says;
behind it what else is printed.
"""

from __future__ import annotations

import gzip

import pytest

from ._samples import lines, picture, write

VARIANTS = {}


def variant(make):
    """Register a variant by its name."""
    VARIANTS[make.__name__] = make
    return make


def pictures(root, names):
    """Write small pictures."""
    for name in names:
        picture(root / name)


def yes_no(task, labels, held):
    """Return the cells of a multi-label task, of the names that hold for each record."""
    return [{f"{task}.{one}": str(int(one in names)) for one in labels} for names in held]


@variant
def utf16_semicolons(root):
    text = lines(
        [["Bild", "Größe m", "Art"], ["1.png", "1.5", "Möwe"], ["2.png", "2.25", "Käfer"]], ";"
    )
    (root / "t.csv").write_bytes(text.encode("utf-16"))
    pictures(root, ["1.png", "2.png"])
    return "t.csv --yes", {
        "": [{"Größe_m": "1.5", "Art": "Möwe"}, {"Größe_m": "2.25", "Art": "Käfer"}]
    }


@variant
def bom_quotes_breaks(root):
    text = (
        '\ufeff"Image Name","Mood, today",Said\r\n'
        '"a b.png","so so","x\ny"\r\n"c.png","fine",\r\n'
    )
    (root / "t.csv").write_bytes(text.encode())
    pictures(root, ["a b.png", "c.png"])
    return "t.csv --yes", {"": [{"Mood_today": "so so"}, {"Mood_today": "fine"}]}


@variant
def tsv_packed(root):
    pictures(root, ["x/1.png", "x/2.png"])
    with gzip.open(root / "t.tsv.gz", "wt") as stream:
        stream.write("file\tdog\tcat\nx/1.png\t1\t0\nx/2.png\t0\t\n")
    return "t.tsv.gz --yes", {"": [{"dog": "1", "cat": "0"}, {"dog": "0", "cat": ""}]}


@variant
def codes_of_two_columns(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.csv", "Path,Edema,Mass\n1.png,1,U\n2.png,-1,0\n3.png,0,1\n")
    rows = [
        {"f.Edema": "1", "f.Mass": ""},
        {"f.Edema": "", "f.Mass": "0"},
        {"f.Edema": "0", "f.Mass": "1"},
    ]
    return (
        "t.csv --values 'Edema: missing=-1' --values 'Mass: missing=U' "
        "--task 'Multilabel f columns=2-'",
        {"": rows},
    )


@variant
def own_words_over_general(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.csv", "path,a,b\n1.png,-1,-1\n2.png,0,0\n3.png,1,1\n")
    rows = [{"f.a": "0", "f.b": ""}, {"f.a": "", "f.b": "0"}, {"f.a": "1", "f.b": "1"}]
    return (
        "t.csv --values no=-1,missing=0 --values 'b: no=0,missing=-1' "
        "--task 'Multilabel f columns=a,b'",
        {"": rows},
    )


@variant
def words_of_another_language(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.csv", "path,Brille\n1.png,ja\n2.png,nein\n3.png,unklar\n")
    return (
        "t.csv --values yes=ja,no=nein,missing=unklar --task 'Binary Brille'",
        {"": [{"Brille": "1"}, {"Brille": "0"}, {"Brille": ""}]},
    )


@variant
def two_separators(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(
        root / "t.csv",
        "path,colours,things\n1.png,red|blue,cup; fork\n2.png,none,cup\n3.png,blue,nothing\n",
    )
    rows = [
        {**one, **two}
        for one, two in zip(
            yes_no("colours", ["blue", "red"], [["red", "blue"], [], ["blue"]]),
            yes_no("things", ["cup", "fork"], [["cup", "fork"], ["cup"], []]),
        )
    ]
    return (
        "t.csv --separator 'colours: |' --separator 'things: ;' --none-name 'colours: none' "
        "--none-name 'things: nothing' --yes",
        {"": rows},
    )


@variant
def names_in_json(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "t.csv", "image_id,label\n1.png,0\n2.png,3\n")
    write(root / "map.json", '{"0": "blight", "3": "mosaic"}')
    return "t.csv --names label=map.json --yes", {"": [{"label": "blight"}, {"label": "mosaic"}]}


@variant
def two_columns_of_names(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "t.csv", "image,breed,colour\n1.png,1,2\n2.png,2,1\n")
    write(root / "breeds.txt", "pug\nboxer\n")
    write(root / "colours.csv", "id,name\n1,black\n2,white\n")
    return (
        "t.csv --names breed=breeds.txt --names colour=colours.csv --task 'Multiclass breed' "
        "--task 'Multiclass colour'",
        {"": [{"breed": "pug", "colour": "white"}, {"breed": "boxer", "colour": "black"}]},
    )


@variant
def open_images_sources(root):
    said = [
        ("i0", "verification", "/m/1", 1),
        ("i0", "crowdsource-verification", "/m/1", 1),
        ("i0", "verification", "/m/2", 0),
        ("i1", "verification", "/m/2", 1),
    ]
    write(root / "l.csv", lines([["ImageID", "Source", "LabelName", "Confidence"], *said]))
    pictures(root, ["d/i0.png", "d/i1.png"])
    return (
        "l.csv --images d --long label=LabelName,value=Confidence "
        "--task 'Multilabel o column=LabelName'",
        {"": [{"o./m/1": "1", "o./m/2": "0"}, {"o./m/1": "", "o./m/2": "1"}]},
    )


@variant
def open_images_contradiction(root):
    write(root / "l.csv", "ImageID,LabelName,Confidence\ni0,a,1\ni0,a,0\ni1,b,1\n")
    pictures(root, ["i0.png", "i1.png"])
    return "l.csv --long label=LabelName,value=Confidence --yes", "said to hold and not to hold.*i0"


@variant
def open_images_machine(root):
    write(root / "l.csv", "ImageID,LabelName,Confidence\ni0,a,0.7\ni1,b,1\n")
    pictures(root, ["i0.png", "i1.png"])
    return "l.csv --long label=LabelName,value=Confidence --yes", "row 2.*'0.7' is not 0 or 1"


@variant
def crowd_answers(root):
    write(
        root / "l.tsv", "task id\tpicture\tanswer\n1\t1.png\tcup\n2\t1.png\tfork\n3\t2.png\tcup\n"
    )
    pictures(root, ["1.png", "2.png"])
    return "l.tsv --long label=answer --yes", {
        "": yes_no("answer", ["cup", "fork"], [["cup", "fork"], ["cup"]])
    }


@variant
def one_hot_of_words(root):
    write(
        root / "t.csv",
        "name,MEL,NV,UNK\n1.png,True,False,False\n2.png,False,True,False\n3.png,False,False,True\n",
    )
    pictures(root, ["1.png", "2.png", "3.png"])
    return "t.csv --task 'Multiclass dx columns=2-3'", {
        "": [{"dx": "MEL"}, {"dx": "NV"}, {"dx": ""}]
    }


@variant
def isic_joined(root):
    write(root / "truth.csv", "image,MEL,NV\nI1,1.0,0.0\nI2,0.0,1.0\n")
    write(root / "meta.csv", "image,age_approx,sex\nI2,45.0,female\nI1,,male\n")
    pictures(root, ["in/I1.png", "in/I2.png"])
    return (
        "truth.csv --join meta.csv --task 'Multiclass dx columns=MEL,NV' "
        "--task 'Regression age column=age_approx' --task 'Multiclass sex'",
        {
            "": [
                {"dx": "MEL", "age": "", "sex": "male"},
                {"dx": "NV", "age": "45.0", "sex": "female"},
            ]
        },
    )


@variant
def plain_without_header(root):
    write(root / "list.txt", "a.png 0\nb.png 2\nc.png 1\n")
    write(root / "names.txt", "0 cup\n1 fork\n2 knife\n")
    pictures(root, ["a.png", "b.png", "c.png"])
    return "list.txt --names list=names.txt --yes", {
        "": [{"list": "cup"}, {"list": "knife"}, {"list": "fork"}]
    }


@variant
def comments_before_the_header(root):
    write(root / "list.txt", "# pets\n# of our own\n#Image CLASS SPECIES\nPug_1 1 2\nOwl_2 2 1\n")
    pictures(root, ["images/Pug_1.png", "images/Owl_2.png"])
    return (
        "list.txt --images images --delimiter spaces --skip-lines 3 --header image,breed,species "
        "--task 'Multiclass breed' --task 'Multiclass species'",
        {"": [{"breed": "1", "species": "2"}, {"breed": "2", "species": "1"}]},
    )


@variant
def class_files_by_split(root):
    write(root / "Main" / "cup_train.txt", "1  1\n2 -1\n")
    write(root / "Main" / "cup_test.txt", "3  0\n")
    write(root / "Main" / "fork_train.txt", "1 -1\n2  0\n")
    write(root / "Main" / "fork_test.txt", "3  1\n")
    pictures(root, ["p/1.png", "p/2.png", "p/3.png"])
    return "Main --images p --yes", {
        "_train": [{"object.cup": "1", "object.fork": "0"}, {"object.cup": "0", "object.fork": ""}],
        "_test": [{"object.cup": "", "object.fork": "1"}],
    }


@variant
def path_of_folders(root):
    for split, sex, age, name in [
        ("train", "f", "31", "a"),
        ("train", "m", "7", "b"),
        ("val", "f", "64", "c"),
    ]:
        picture(root / split / sex / f"{age}-{name}.png")
    rows = [{"sex": "f", "age": "31.0"}, {"sex": "m", "age": "7.0"}, {"sex": "f", "age": "64.0"}]
    return (
        ". --path-pattern '{split}/{sex}/{age}-*' --task 'Multiclass sex' --task 'Regression age'",
        {"_train": rows[:2], "_val": rows[2:]},
    )


@variant
def path_pattern_unmet(root):
    pictures(root, ["25_1_x.png", "61_x.png"])
    return (
        ". --path-pattern '{age}_{sex}_*' --task 'Regression age' --task 'Binary sex'",
        "61_x.png.*not of the pattern",
    )


@variant
def two_pictures_of_a_name(root):
    pictures(root, ["a/1.png", "b/1.png", "a/2.png"])
    write(root / "t.csv", "image,y\n1,cat\n2,dog\n")
    return "t.csv --yes", "2 that may be meant"


@variant
def prefix_not_there(root):
    pictures(root, ["train/p1/v.png", "train/p2/v.png"])
    write(root / "t.csv", "Path,y\nSet-v1/train/p1/v.png,cat\nSet-v1/train/p2/v.png,dog\n")
    return "t.csv --yes", {"": [{"y": "cat"}, {"y": "dog"}]}


@variant
def split_words(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(
        root / "t.csv", "img,kind,usage\n1.png,a,Training\n2.png,b,Training\n3.png,a,PublicTest\n"
    )
    return "t.csv --split-column usage --split-values train=Training,test=PublicTest --yes", {
        "_train": [{"kind": "a"}, {"kind": "b"}],
        "_test": [{"kind": "a"}],
    }


@variant
def decimal_commas(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.csv", "img;weight;kind\n1.png;3,5;a\n2.png;4,25;b\n3.png;1,0;a\n")
    return (
        "t.csv --yes",
        {"": [{"kind": "a"}, {"kind": "b"}, {"kind": "a"}]},
        "weight.*left out.*amounts",
    )


@variant
def a_dirty_number(root):
    pictures(root, [f"{at}.png" for at in range(40)])
    rows = [[f"{at}.png", "12 kg" if at == 30 else f"{at}.5"] for at in range(40)]
    write(root / "t.csv", lines([["img", "weight"], *rows]))
    return "t.csv --yes", "39 of 40 cells are numbers, but not '12 kg' .row 32"


@variant
def minus_one_of_two(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "t.csv", "img,a\n1.png,1\n2.png,-1\n")
    return "t.csv --yes", "doubt: its cells are 1 and -1"


@variant
def lists_of_python(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.csv", "image_path,tags\n1.png,\"['a b', 'c']\"\n2.png,[]\n3.png,['c']\n")
    return "t.csv --yes", {"": yes_no("tags", ["a b", "c"], [["a b", "c"], [], ["c"]])}


@variant
def html_of_a_failed_download(root):
    write(root / "t.csv", "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")
    return "t.csv --yes", "HTML"


@variant
def not_utf8(root):
    (root / "t.csv").write_bytes("img,ort\n1.png,Köln\n2.png,Bonn\n".encode("cp1252"))
    pictures(root, ["1.png", "2.png"])
    return "t.csv --yes", "UTF-8"


@variant
def unknown_words(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.csv", "img,sex\n1.png,male\n2.png,unknown\n3.png,female\n")
    return (
        "t.csv --yes",
        {"": [{"sex": "male"}, {"sex": "unknown"}, {"sex": "female"}]},
        "unknown.*missing-value unknown",
    )


@variant
def excel_of_dates(root):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl")
    pictures(root, ["1.png", "2.png"])
    pd.DataFrame(
        {"Image": ["1.png", "2.png"], "Smiling?": [True, False], "Weight (kg)": [1.5, None]}
    ).to_excel(root / "t.xlsx", index=False)
    return "t.xlsx --yes", {
        "": [{"Smiling": "1", "Weight_kg": "1.5"}, {"Smiling": "0", "Weight_kg": ""}]
    }


@variant
def endings_in_open_images(root):
    said = [("a.png", "/m/1", 1), ("a.png", "/m/2", 0), ("b.png", "/m/2", 1)]
    write(root / "l.csv", lines([["ImageID", "LabelName", "Confidence"], *said]))
    write(root / "names.csv", "LabelName,DisplayName\n/m/1,Dog\n/m/2,Cat\n")
    pictures(root, ["d/a.png", "d/b.png"])
    return (
        "l.csv --images d --long label=LabelName,value=Confidence --names names.csv --yes",
        {"": [{"LabelName.Cat": "0", "LabelName.Dog": "1"},
              {"LabelName.Cat": "1", "LabelName.Dog": ""}]},
    )  # fmt: skip


@variant
def one_folder_of_chestxray(root):
    write(root / "t.csv", "Image Index,Finding Labels,\n1.png,Mass|Hernia,\n2.png,No Finding,\n")
    pictures(root, ["images/1.png", "images/2.png"])
    return (
        "t.csv --separator '|' --none-name 'No Finding' --yes",
        {"": yes_no("Finding_Labels", ["Hernia", "Mass"], [["Mass", "Hernia"], []])},
    )


@variant
def identities(root):
    pictures(root, ["img/1.png", "img/2.png", "img/3.png"])
    write(root / "identity_CelebA.txt", "1.png 7\n2.png 12\n3.png 7\n")
    return "identity_CelebA.txt --images img --yes", {
        "": [{"identity_CelebA": one} for one in ("7", "12", "7")]
    }


@variant
def names_of_the_column_whose_codes_they_are(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "t.csv", "img,kind,part\n1.png,1,train\n2.png,2,test\n")
    write(root / "names.txt", "owl\nwren\n")
    return "t.csv --names names.txt --split-column part --yes", {
        "_train": [{"kind": "owl"}], "_test": [{"kind": "wren"}],
    }  # fmt: skip


@variant
def names_of_no_column(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "t.csv", "img,kind\n1.png,a\n2.png,b\n")
    write(root / "names.txt", "owl\nwren\n")
    return "t.csv --names names.txt --yes", "no column has codes of it"


@variant
def list_of_ones_and_minus_ones(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "t.lst", "0\t1\t-1\t1.png\n1\t-1\t1\t2.png\n")
    return (
        "t.lst --task 'Multilabel a labels=x,y'",
        {"": [{"a.x": "1", "a.y": ""}, {"a.x": "", "a.y": "1"}]},
        "-1 is unknown. If it means no: --values no=-1",
    )


def of_kinds(root, text, name="t.csv"):
    """Write two pictures and a text about them, and return the usual command and truth."""
    pictures(root, ["1.png", "2.png"])
    (root / name).write_bytes(text.encode())
    return f"{name} --yes", {"": [{"kind": "owl"}, {"kind": "wren"}]}


@variant
def lines_of_an_old_macintosh(root):
    return of_kinds(root, "path,kind\r1.png,owl\r2.png,wren\r")


@variant
def bars(root):
    return of_kinds(root, "path|kind|fold\n1.png|owl|0\n2.png|wren|1\n")


@variant
def commas_in_a_table_of_tabs(root):
    command, truth = of_kinds(root, "path\tkind, common\n1.png\towl\n2.png\twren\n")
    return command, {"": [{"kind_common": row["kind"]} for row in truth[""]]}


@variant
def excel_says_what_separates(root):
    return of_kinds(root, "sep=;\r\npath;kind\r\n1.png;owl\r\n2.png;wren\r\n")


@variant
def no_header_in_a_csv(root):
    command, truth = of_kinds(root, "1.png,owl\n2.png,wren\n")
    return command, {"": [{"t": row["kind"]} for row in truth[""]]}, "there is no header"


@variant
def a_title_above_the_header(root):
    return of_kinds(root, "Results of 2026\npath,kind\n1.png,owl\n")[0], "--skip-lines 1"


def long_with_more(root, more):
    """Write a long table with a column of splits."""
    pictures(root, ["a.png", "b.png"])
    rows = [("a", "x"), ("a", "y"), ("b", "y")]
    header = ["image", "label", "part"]
    write(root / "t.csv", lines([header, *([*row, part] for row, part in zip(rows, more))]))
    truth = yes_no("label", ["x", "y"], [["x", "y"], ["y"]])
    return "t.csv --long label=label --split-column part --yes", {
        "_train": truth[:1],
        "_val": truth[1:],
    }


@variant
def long_by_a_split(root):
    return long_with_more(root, ["train", "", "val"])


@variant
def long_by_a_split_that_differs(root):
    return long_with_more(root, ["train", "val", "val"])[0], "'a' say 'train' and 'val' in column"


@variant
def amounts_with_commas(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    text = "img;weight;cost;code\n1.png;3,5;1.234,50 €;007\n2.png;-4,25;12 €;2\n3.png;;;7\n"
    write(root / "t.csv", text)
    rows = [("3.5", "1234.5", "007"), ("-4.25", "12.0", "2"), ("", "", "7")]
    truth = [dict(zip(("weight", "cost", "code"), row)) for row in rows]
    return "t.csv --amounts comma --yes", {"": truth}


@variant
def amounts_with_points(root):
    pictures(root, ["1.png", "2.png", "3.png"])
    text = 'img,share,cost\n1.png,45%,"$1,200.5"\n2.png,7.25 %,$3\n3.png,n/a,"100,000"\n'
    write(root / "t.csv", text)
    rows = [("45.0", "1200.5"), ("7.25", "3.0"), ("", "100000.0")]
    truth = [dict(zip(("share", "cost"), row)) for row in rows]
    return "t.csv --amounts point --missing-value n/a --yes", {"": truth}


@variant
def bars_between_names_in_plain_text(root):
    pictures(root, ["1.png", "2.png"])
    write(root / "found.txt", "1.png Mass|Hernia\n2.png Mass\n")
    truth = yes_no("found", ["Hernia", "Mass"], [["Mass", "Hernia"], ["Mass"]])
    return "found.txt --separator '|' --yes", {"": truth}


@variant
def bars_between_columns_of_plain_text(root):
    return of_kinds(root, "path|kind\n1.png|owl\n2.png|wren\n", "t.txt")
