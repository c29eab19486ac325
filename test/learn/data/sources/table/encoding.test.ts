/** Text in other encodings: refused with the line and the likely encoding, read when the recipe says which it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { findingOf, labelsOf, read, refused, write } from "../../../../support/tables.js";

const content = "width,kind\n1,Zürich\n2,Genève\n3,Zürich\n";
/** Characters up to U+00FF have their own number in windows-1252 and latin-1. */
const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const utf16 = (text: string, swapped = false): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
  return swapped ? bytes.swap16() : bytes;
};

test("bytes that are not UTF-8 are named with line, byte and likely encoding", async () => {
  for (const [name, bytes] of [
    ["t.csv", latin(content)],
    ["t.csv.gz", gzipSync(latin(content))],
  ] as const) {
    const path = write(name, bytes);
    await refused(
      read(path),
      "encoding-invalid",
      path,
      /line 2 holds the byte 0xfc \(byte 15 .*"1,Zürich"/,
      /windows-1252/,
    );
  }
  const late = write(
    "late.csv",
    Buffer.concat([Buffer.from("width,kind\n"), Buffer.from("1,ä\n2,b\n".repeat(200_000)), latin("3,ö\n")]),
  );
  await refused(read(late), "encoding-invalid", late, /line 400002 holds the byte 0xf6/);
  const json = write("t.json", latin('[{"width":1,"kind":"Zürich"},{"width":2,"kind":"b"}]'));
  await refused(read(json), "encoding-invalid", json, /line 1 holds the byte 0xfc/);
  const long = write("long.csv", latin(`width,kind\n1,${"ä".repeat(5000)}\n2,b\n`));
  await refused(read(long), "encoding-invalid", long, /line 2/);
});

test("UTF-16 is recognised by its mark, or by its zeros", async () => {
  for (const bytes of [utf16(content), utf16(content, true), utf16(content).subarray(2)]) {
    const path = write("t.csv", bytes);
    await refused(read(path), "encoding-invalid", path, /UTF-16/, /data\.encoding to utf-16/);
  }
});

test("data.encoding reads what it names", async () => {
  const cases: [string, string, string | Buffer][] = [
    ["t.csv", "windows-1252", latin(content)],
    ["t.csv", "latin-1", latin(content)],
    ["t.csv", "latin_1", latin(content)],
    ["t.csv", "UTF-8-SIG", `\ufeff${content}`],
    ["t.csv", "utf_16_le", utf16(content)],
    ["t.csv", "iso-8859-1", latin(content)],
    ["t.csv.gz", "latin-1", gzipSync(latin(content))],
    ["t.csv", "utf-16", utf16(content)],
    ["t.csv", "utf-16", utf16(content, true)],
    ["t.csv", "utf-16le", utf16(content).subarray(2)],
    ["t.csv", "utf-8", content],
    [
      "t.json",
      "latin-1",
      latin('[{"width":1,"kind":"Zürich"},{"width":2,"kind":"Genève"},{"width":3,"kind":"Zürich"}]'),
    ],
    [
      "t.json",
      "utf-16",
      utf16('[{"width":1,"kind":"Zürich"},{"width":2,"kind":"Genève"},{"width":3,"kind":"Zürich"}]'),
    ],
    ["t.jsonl", "utf-8", '\ufeff{"width":1,"kind":"Zürich"}\n{"width":2,"kind":"Genève"}\n{"width":3,"kind":"Zürich"}'],
  ];
  for (const [name, encoding, bytes] of cases)
    assert.deepEqual(
      labelsOf(await read(write(name, bytes), { encoding })),
      ["Zürich", "Genève", "Zürich"],
      `${name} ${encoding}`,
    );
  // "Привет" in windows-1251, "日本" in Shift JIS.
  const russian = write(
    "t.csv",
    Buffer.concat([
      Buffer.from("width,kind\n1,"),
      Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]),
      Buffer.from("\n2,b\n"),
    ]),
  );
  assert.deepEqual(labelsOf(await read(russian, { encoding: "windows-1251" })), ["Привет", "b"]);
  const japanese = write(
    "t.csv",
    Buffer.concat([Buffer.from("width,kind\n1,"), Buffer.from([0x93, 0xfa, 0x96, 0x7b]), Buffer.from("\n2,b\n")]),
  );
  assert.deepEqual(labelsOf(await read(japanese, { encoding: "shift_jis" })), ["日本", "b"]);
});

test("an encoding that is unknown, wrong, or of no use", async () => {
  await refused(read(write("t.csv", content), { encoding: "utf-9" }), "option-invalid", "data.encoding", /"utf-9"/);
  const cut = write("t.csv", utf16(content).subarray(0, -1));
  await refused(read(cut, { encoding: "utf-16" }), "encoding-invalid", cut, /utf-16le/);
  const utf8 = await read(write("t.csv", content), { encoding: "windows-1252" });
  assert.equal(findingOf(utf8, "encoding-doubtful")?.level, "warning");
  assert.equal(
    findingOf(await read(write("t.csv", latin(content)), { encoding: "latin-1" }), "encoding-doubtful"),
    undefined,
  );
});
