import { readFileSync } from "node:fs";

const file = new URL("../../../tests/data/jazz/vectors.json", import.meta.url);
export const vectors = JSON.parse(readFileSync(file, "utf8"));
