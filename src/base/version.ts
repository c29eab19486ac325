/** Version of the package, as package.json has it (test/web/entry.test.ts): for code that cannot read files. */
export const VERSION = "0.1.0";
