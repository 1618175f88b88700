/**
 * Bundles the page: node build.mjs [FOLDER]. By default into the folder that the example serves.
 * The same sources give the same bytes on every machine.
 */
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = process.argv[2] ?? join(here, "../static/example_project");

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["src/page.js", "src/page.css"],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // licenses.txt has them all
  metafile: true,
  logLevel: "warning",
});
await writeFile(join(folder, "licenses.txt"), await licenses(Object.keys(metafile.inputs)));

/** The licences of the packages that went in. */
async function licenses(inputs) {
  const found = inputs.flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []);
  const texts = [];
  for (const name of [...new Set(found)].sort()) {
    const root = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const file = (await readdir(root)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? (await readFile(join(root, file), "utf8")).trim() : "";
    texts.push(`${name} ${version}: ${license}\n\n${text}`);
  }
  return `What page.js contains besides this project's own code.\n\n${texts.join("\n\n---\n\n")}\n`;
}
