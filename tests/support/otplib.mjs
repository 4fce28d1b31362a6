// Answers one line of JSON with one line of JSON: the code of {secret, epoch}, or what {uri} says.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { generateSync } = require("otplib");
const { parse } = require("@otplib/uri");

for await (const line of createInterface({ input: process.stdin })) {
  const { uri, ...asked } = JSON.parse(line);
  console.log(JSON.stringify(uri === undefined ? generateSync(asked) : parse(uri)));
}
