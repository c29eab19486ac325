/** Rows read are rows there: separators, headers, quotation marks, comments, and lines that do not fit. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { findingOf, labelsOf, pathFor, read, refused, rowsOf, write } from "../../../../support/tables.js";

const lines = (count: number, line: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => line(i));

test("a path is one file, whatever characters it holds", async () => {
  for (const name of ["data[12].csv", "data?.csv", "data*.csv", "{a,b}.csv", "a**b.csv", "100%.csv", "it's.csv"]) {
    const path = write(name, "width,kind\n1,a\n2,b\n");
    // What a pattern would read instead, or besides.
    for (const other of ["data1.csv", "data2.csv", "a.csv", "acb.csv"])
      writeFileSync(join(dirname(path), other), "width,kind\n7,x\n8,y\n9,z\n");
    assert.deepEqual(rowsOf(await read(path)), [[1], [2]], name);
  }
});

test("a folder named like a partition adds no column", async () => {
  const path = pathFor("fold=3/part=x/t.csv");
  writeFileSync(path, "width,kind\n1,a\n2,b\n");
  const loaded = await read(path);
  assert.deepEqual(loaded.data.features, ["width"]);
});

test("a value too many, from row 100 on, is an error with the line", async () => {
  const good = lines(99, (i) => `${i},${i % 7},k${i % 2}`);
  const path = write("t.csv", ["width,height,kind", ...good, ...lines(100, (i) => `${i},1,k0,9`)].join("\n"));
  await refused(read(path), "row-invalid", path, /^line 101 has 4 values/);
});

test("lines that are too short or too long are named, wherever they are", async () => {
  const cases: [string, string, RegExp][] = [
    ["short", "width,height,kind\n1,2,a\n3,b\n4,5,a\n", /^line 3 has 2 values \("3,b"\)/],
    ["the header is short", "width,kind\n1,2,a\n3,4,b\n4,5,a\n", /^line 1 has 2 values/],
    ["the header is long", "width,height,kind,more\n1,2,a\n3,4,b\n4,5,a\n", /^line 1 has 4 values/],
    ["a title above the table", "Report of 2020\n\nwidth,height,kind\n1,2,a\n3,4,b\n", /^line 1 has 1 value /],
    ["the last line is cut", "width,height,kind\n1,2,a\n3,4,b\n4,", /^line 4 has 2 values/],
    ["after a value of two lines", 'width,note,kind\n1,"x\ny",a\n3,b\n', /^line 4 has 2 values/],
    ["a total below", "width,height,kind\n1,2,a\n3,4,b\n5,6,a\nTotal 9\n", /^line 5 has 1 value /],
  ];
  for (const [what, content, found] of cases) {
    const path = write(`${what}.csv`, content);
    await refused(read(path, { ignore: content.includes("note") ? ["note"] : [] }), "row-invalid", path, found);
  }
});

test("quotation marks: separators, line breaks and marks inside a value; what is left open is named", async () => {
  const path = write("t.csv", 'width,note,kind\r\n1,"a, ""b""\r\nc",x\r\n 2 , "d" ,"y, z"\r\n3,e f,x\r\n');
  const loaded = await read(path, { ignore: ["note"] });
  assert.deepEqual(rowsOf(loaded), [[1], [2], [3]]);
  assert.deepEqual(labelsOf(loaded), ["x", "y, z", "x"]);
  const open = write("open.csv", 'width,kind\n1,a\n2,"b\n3,a\n4,b\n');
  await refused(read(open), "row-invalid", open, /line 3.*not closed/);
  const after = write("after.csv", 'width,kind\n1,a\n2,"b"c\n3,a\n');
  await refused(read(after), "row-invalid", after, /line 3.*"b"/);
});

test("separators are found, also beside decimal commas and separators inside texts", async () => {
  const cases: [string, string][] = [
    ["semicolon", "width;height;kind\n1,5;2;a\n2,5;3;b\n"],
    ["semicolon without a header", "1,5;2;a\n2,5;3;b\n1,5;2;a\n"],
    ["tab", "width\theight\tkind\n1.5\t2\ta\n2.5\t3\tb\n"],
    ["bar", "width|height|kind\n1.5|2|a\n2.5|3|b\n"],
    ["comma, with a bar in every label", "width,height,kind\n1.5,2,a|x\n2.5,3,b|x\n"],
    ["comma, with a semicolon in every label", 'width,height,kind\n1.5,2,a;x\n2.5,3,"b;x"\n'],
    ["sep line", "sep=;\nwidth;height;kind\n1.5;2;a\n2.5;3;b\n"],
  ];
  for (const [what, content] of cases) {
    const path = write("t.csv", content);
    const loaded = await read(path, content.startsWith("1,5") ? { label: "column2" } : {});
    assert.deepEqual(
      rowsOf(loaded).slice(0, 2),
      [
        [1.5, 2],
        [2.5, 3],
      ],
      what,
    );
  }
  const blanks = write("blanks.data", "1.5  2 0\n2.5  3 1\n3.5  4 0\n");
  await refused(read(blanks), "file-type", blanks, /3 values parted by blanks/);
});

test("line ends, a byte order mark, compression, and empty lines", async () => {
  const content = "width,kind\n1,a\n2,b\n3,a\n";
  const files: [string, string | Uint8Array, number][] = [
    ["crlf.csv", content.replaceAll("\n", "\r\n"), 0],
    ["cr.csv", content.replaceAll("\n", "\r"), 0],
    ["mark.csv", `\ufeff${content}`, 0],
    ["packed.csv.gz", gzipSync(`\ufeff${content}`), 0],
    ["no-end.csv", content.trimEnd(), 0],
    ["empty-at-end.csv", `${content}\n\n  \n`, 0],
    ["empty-between.csv", "width,kind\n\n1,a\n2,b\n \n3,a\n", 2],
  ];
  for (const [name, bytes, blank] of files) {
    const loaded = await read(write(name, bytes));
    assert.deepEqual(rowsOf(loaded), [[1], [2], [3]], name);
    assert.deepEqual(loaded.data.features, ["width"], name);
    assert.equal(findingOf(loaded, "blank-lines")?.count ?? 0, blank, name);
  }
  const path = write("gap.csv", "width,kind\n\n1,a\n2,b\n \nx,a\n4,b\n5,a\n");
  await refused(read(path), "column-type", path, /^row 3 \(line 6\), column "width": "x"/);
});

test("a first record that names the columns is a header, whatever the columns hold; one that is data is a row", async () => {
  const rows = lines(12, (i) => `${i % 5},${["red", "green", "blue"][i % 3]},k${i % 2}`);
  const bare = write("bare.csv", rows.join("\n"));
  const loaded = await read(bare, { label: "column2", categorical: ["column1"] });
  assert.equal(loaded.data.size, 12);
  assert.equal(findingOf(loaded, "header-missing")?.level, "note");
  const headed = await read(write("headed.csv", ["size,colour,kind", ...rows].join("\n")), { categorical: ["colour"] });
  assert.equal(headed.data.size, 12);
  assert.equal(findingOf(headed, "header-missing"), undefined);
  // Texts alone: types tell nothing.
  const words = lines(10, (i) => `${["red", "green"][i % 2]},k${i % 2}`);
  const texts = await read(write("texts.csv", ["colour,kind", ...words].join("\n")), { categorical: ["colour"] });
  assert.deepEqual([texts.data.size, texts.data.classes.length], [10, 2]);
  const wordsAlone = await read(write("words.csv", words.join("\n")), { label: "column1", categorical: ["column0"] });
  assert.deepEqual([wordsAlone.data.size, wordsAlone.data.classes.length], [10, 2]);
  // Numbers alone, without names in the recipe.
  const numbers = lines(10, (i) => `${i + 0.5},${i * i}`);
  assert.equal((await read(write("n.csv", numbers.join("\n")), { label: undefined })).data.size, 10);
  assert.equal((await read(write("n.csv", ["a,b", ...numbers].join("\n")), { label: undefined })).data.size, 10);
});

test("a line that counts the columns is their names, as pandas writes them, and that is said", async () => {
  const rows = lines(10, (i) => `${i + 0.5},${i * i},${i % 3}`);
  const loaded = await read(write("t.csv", ["0,1,2", ...rows].join("\n")), { label: "2" });
  assert.equal(loaded.data.size, 10);
  assert.equal(findingOf(loaded, "header-numeric")?.level, "warning");
  // The same numbers as a first row of data.
  const data = await read(write("t.csv", ["0,1,2", "5,1,2", ...rows].join("\n")), { label: "column2" });
  assert.equal(data.data.size, 12);
});

test("a header that is repeated further down is an error", async () => {
  const path = write("t.csv", "colour,kind\nred,a\ngreen,b\ncolour,kind\nred,a\n");
  await refused(read(path, { categorical: ["colour"] }), "row-invalid", path, /^line 4 repeats the header/);
});

test("columns named by number in a file that seems to have a header are pointed at", async () => {
  const rows = lines(12, (i) => `${["red", "green", "blue"][i % 3]},k${i % 2}`);
  const more = { label: "column1", categorical: ["column0"] };
  const headed = await read(write("t.csv", ["colour,kind", ...rows].join("\n")), more);
  assert.equal(findingOf(headed, "header-missing")?.level, "warning");
  assert.equal(findingOf(await read(write("t.csv", rows.join("\n")), more), "header-missing")?.level, "note");
});

test("a number in the first row is not taken for the name of the label", async () => {
  const path = write("t.csv", "0,1.5,a\n1,2.5,b\n0,3.5,a\n1,4.5,b\n");
  await refused(read(path, { label: "0" }), "column-missing", "data.label", /no column "0"/);
});

test("comment lines above the table are left out and counted; a header that begins with # is none", async () => {
  const commented = await read(write("t.csv", "# made by a tool, in 2020\n# (second)\nwidth,kind\n1,a\n2,b\n"));
  assert.deepEqual(rowsOf(commented), [[1], [2]]);
  assert.equal(findingOf(commented, "comment-lines")?.count, 2);
  const header = await read(write("t.csv", "#width,height,kind\n1,2,a\n2,3,b\n"));
  assert.deepEqual(header.data.features, ["#width", "height"]);
  const between = write("t.csv", "width,kind\n1,a\n# note\n2,b\n");
  await refused(read(between), "row-invalid", between, /^line 3 has 1 value/);
});

test("a column named twice is an error, with its places", async () => {
  const path = write("t.csv", "width,height,width,kind\n1,2,3,a\n4,5,6,b\n");
  await refused(read(path), "column-duplicate", path, /line 1 names 2 columns "width" \(columns 1, 3\)/);
  const spaced = write("t.csv", "width, width ,kind\n1,2,a\n4,5,b\n");
  await refused(read(spaced), "column-duplicate", spaced, /"width"/);
  const label = write("t.csv", "kind,width,kind\na,2,b\nb,5,a\n");
  await refused(read(label), "column-duplicate", label, /"kind"/);
});

test("names are taken as they are, without blanks around them", async () => {
  const loaded = await read(write("t.csv", "width, height , kind\n1,2,a\n3,4,b\n"), { features: ["height"] });
  assert.deepEqual(rowsOf(loaded), [[2], [4]]);
  assert.deepEqual((await read(write("t.csv", "Width,width,kind\n1,2,a\n3,4,b\n"))).data.features, ["Width", "width"]);
});

test("large files: every row of many pieces, in order", async () => {
  const count = 120_000;
  const path = write(
    "large.csv",
    ["number,text,kind", ...lines(count, (i) => `${i / 8},"a ""b"" ä${i % 3}\n",k${i % 2}`)].join("\n"),
  );
  const loaded = await read(path, { ignore: ["text"] });
  assert.equal(loaded.data.size, count);
  assert.ok(loaded.data.samples.every((v, i) => v === i / 8));
  assert.ok(loaded.data.labels?.every((l, i) => l === i % 2));
});

test("numbers are read exactly as JavaScript reads them", async () => {
  const texts = [
    "0.1",
    "-0",
    "1e-3",
    "+5",
    ".5",
    "5.",
    "123456789012345678",
    "1.7976931348623157e38",
    "0.30000000000000004",
  ];
  texts.push("1E5", "-2.5e+3", "00012", "9007199254740993", "3.4e-40", "0.000000000000000000000000000001", " 7 ");
  const loaded = await read(write("t.csv", ["width,kind", ...texts.map((t, i) => `${t},k${i % 2}`)].join("\n")));
  assert.deepEqual(
    rowsOf(loaded).flat(),
    texts.map((t) => Math.fround(Number(t))),
  );
});

test("files that are no tables", async () => {
  const folder = pathFor("folder.csv");
  mkdirSync(folder);
  const broken = pathFor("broken.csv");
  symlinkSync("gone.csv", broken);
  const gone = pathFor("gone.csv");
  const cases: [string, string, RegExp][] = [
    [folder, "file-is-folder", /folder/],
    [broken, "file-missing", /link to gone\.csv/],
    [gone, "file-missing", /no such file/],
    [write("empty.csv", ""), "data-empty", /0 bytes/],
    [write("blank.csv", "\n\n \n"), "data-empty", /no rows/],
    [write("header.csv", "width,kind\n"), "data-empty", /no rows/],
    [write("one.csv", "width,kind\n1,a\n"), "data-empty", /single row/],
    [write("t.xlsx", "x"), "file-type", /ending/],
    [write("excel.csv", "PK\u0003\u0004 and more"), "file-type", /Excel/],
    [write("packed.csv", gzipSync("width,kind\n1,a\n")), "file-type", /gzip/],
    [write("not-packed.csv.gz", "width,kind\n1,a\n"), "file-damaged", /decompressed/],
    [write("cut.csv.gz", gzipSync("width,kind\n1,a\n2,b\n3,a\n4,b\n").subarray(0, 30)), "file-damaged", /decompressed/],
    [write("zeros.csv", "width,kind\n1,a\0\n2,b\n"), "file-type", /zero/],
  ];
  for (const [path, code, found] of cases) await refused(read(path), code, path, found);
});
