// Build what pages load: style sheet, scripts, islands, icon sprite; hashed, compressed, with a manifest.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "..");
const source = join(here, "src");
const dist = join(root, "src/callboard/core/ui/static/callboard/dist");

/** Answer the curated icons; a name that Tabler does not have stops the build. */
function iconNames() {
  return readFileSync(join(here, "icons.txt"), "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("#"));
}

/** Answer one SVG with a symbol for each icon, so that pages refer to it by name. */
function sprite(names) {
  const folder = join(root, "node_modules/@tabler/icons/icons");
  const symbols = names.map((name) => {
    const file = name.endsWith("-filled") ? join(folder, "filled", `${name.slice(0, -7)}.svg`) : join(folder, "outline", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`assets/icons.txt: there is no icon called ${name}`);
    const svg = readFileSync(file, "utf8");
    const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).replace(/\s*\n\s*/g, "");
    const paint = name.endsWith("-filled")
      ? 'fill="currentColor"'
      : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
    return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${inner}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

function hash(content) {
  return createHash("sha256").update(content).digest("base64url").replace(/[-_]/g, "0").slice(0, 10);
}

/** Write a file under a hashed name, with its compressed forms beside it. */
function emit(files, name, content) {
  const bytes = Buffer.from(content);
  const dot = name.lastIndexOf(".");
  const hashed = `${name.slice(0, dot)}-${hash(bytes)}${name.slice(dot)}`;
  files[name] = hashed;
  // The name says what is inside, so what is there already need not be compressed again.
  if (existsSync(join(dist, `${hashed}.gz`))) return hashed;
  writeFileSync(join(dist, hashed), bytes);
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  writeFileSync(join(dist, `${hashed}.br`), brotliCompressSync(bytes, brotli));
  writeFileSync(join(dist, `${hashed}.gz`), gzipSync(bytes, { level: 9 }));
  return hashed;
}

async function bundle(entry, extra = {}) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    legalComments: "none",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    loader: { ".svg": "dataurl" },
    logLevel: "warning",
    ...extra,
  });
  return result.outputFiles[0].contents;
}

async function run() {
  const started = performance.now();
  const files = {};
  mkdirSync(dist, { recursive: true });
  const icons = iconNames();
  emit(files, "icons.svg", sprite(icons));
  emit(files, "logo.svg", readFileSync(join(source, "logo.svg")));
  emit(files, "app.css", await bundle(join(source, "app.css")));
  emit(files, "theme.js", await bundle(join(source, "theme.ts"), { format: "iife" }));
  emit(files, "app.js", await bundle(join(source, "app.ts"), { format: "iife" }));
  const islands = {};
  for (const file of readdirSync(join(source, "islands")).sort()) {
    const name = file.replace(/\.ts$/, "");
    islands[name] = emit(files, `${name}.island.js`, await bundle(join(source, "islands", file), { format: "esm" }));
  }
  emit(files, "islands.json", JSON.stringify(islands));
  // The manifest comes last: a page never refers to a file that is not there yet.
  writeFileSync(join(dist, "manifest.json"), JSON.stringify({ files, icons }, null, 1));
  const keep = new Set(Object.values(files).flatMap((name) => [name, `${name}.br`, `${name}.gz`]).concat("manifest.json"));
  for (const file of readdirSync(dist)) if (!keep.has(file)) rmSync(join(dist, file));
  const size = (name) => `${(readFileSync(join(dist, `${files[name]}.gz`)).length / 1024).toFixed(1)} kB`;
  const sizes = Object.keys(files).map((name) => `${name} ${size(name)}`).join(", ");
  console.log(`assets built in ${Math.round(performance.now() - started)} ms (gzip: ${sizes})`);
}

await run();
if (process.argv.includes("--watch")) {
  let timer;
  watch(here, { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => run().catch((error) => console.error(error.message)), 100);
  });
}
