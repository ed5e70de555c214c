// Bundles what the browser needs into static/vendor/ (which git ignores); run by `./consilium`, or
// `npm run build`.
//
//   static/js/app.js            -> app.js         Stimulus, with all controllers
//   static/js/**/NAME.entry.js  -> NAME.js        pages with a script of their own: consult.js, …
//   static/css/app.css          -> app.css        left to right
//   static/css/app.rtl.css      -> app.rtl.css    right to left
//   static/css/calendar.css     -> calendar.css   for the pages with a calendar that is dragged
//   static/css/reading.css      -> reading.css    for the reading room
//   static/css/scripts/NAME.css -> script-NAME.css  for pages in a language of that script
//
// Names stay the same from build to build; manifest.json gives each file its content hash for
// `?v=`. Chunks and fonts carry the hash in their name.
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const js = path.join(root, "static/js");
const css = path.join(root, "static/css");
const vendor = path.join(root, "static/vendor");
const modules = path.join(root, "node_modules");

async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const nested = await Promise.all(
    entries.map((entry) => {
      const full = path.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(full) : [full];
    }),
  );
  return nested.flat().sort();
}

async function entryPoints() {
  const points = { app: path.join(js, "app.js") };
  for (const file of await filesBelow(js)) {
    if (file.endsWith(".entry.js")) points[path.basename(file, ".entry.js")] = file;
  }
  return points;
}

// Sheets with the fonts of scripts that come in hundreds of files: Hans.css -> script-Hans.css.
async function scriptSheets() {
  const sheets = await filesBelow(path.join(css, "scripts"));
  return Object.fromEntries(sheets.map((file) => [`script-${path.basename(file, ".css")}`, file]));
}

// `NAME_controller.js`, in whatever folder, becomes `data-controller="NAME"`, with hyphens for
// underscores.
const controllers = {
  name: "stimulus-controllers",
  setup(build) {
    build.onResolve({ filter: /^consilium:controllers$/ }, () => ({
      path: "controllers",
      namespace: "consilium",
    }));
    build.onLoad({ filter: /.*/, namespace: "consilium" }, async () => {
      const files = (await filesBelow(js)).filter((file) => file.endsWith("_controller.js"));
      const identifiers = files.map((file) =>
        path.basename(file, "_controller.js").replaceAll("_", "-"),
      );
      const twice = identifiers.filter((identifier, n) => identifiers.indexOf(identifier) !== n);
      if (twice.length) throw new Error(`Two controllers have one identifier: ${twice.join(", ")}`);
      const imports = files.map((file, n) => `import controller${n} from ${JSON.stringify(file)};`);
      const rows = identifiers.map(
        (identifier, n) =>
          `{ identifier: ${JSON.stringify(identifier)}, controllerConstructor: controller${n} },`,
      );
      return {
        contents: [...imports, "export default [", ...rows, "];"].join("\n"),
        resolveDir: js,
      };
    });
  },
};

// EventCalendar comes as a script that sets a global: given an export it can be a chunk, fetched
// where a page asks for it. It calls itself a table and puts its entries where a table may have
// none (ARIA 1.2, «required owned elements»): what it draws is a group of buttons for whoever does
// not see it.
const eventCalendar = {
  name: "event-calendar",
  setup(build) {
    build.onLoad({ filter: /event-calendar\.min\.js$/ }, async ({ path: file }) => ({
      contents: `${(await readFile(file, "utf8"))
        .replaceAll(/ role="(row|rowgroup|rowheader|columnheader)"/g, "")
        .replaceAll("`table`", "`group`")
        .replaceAll(/`(columnheader|cell)`/g, "null")
        .replaceAll(/`aria-((col|row)\w+)`/g, "`data-$1`")}\nexport default EventCalendar;`,
      loader: "js",
    }));
  },
};

// Every browser we serve reads woff2; the woff twins would double the fonts.
const woff2Only = {
  name: "woff2-only",
  setup(build) {
    build.onLoad(
      { filter: /(@fontsource|bootstrap-icons)[\\/].*\.css$/ },
      async ({ path: file }) => ({
        contents: (await readFile(file, "utf8")).replace(
          /,\s*url\([^)]*\.woff(\?[^)]*)?\)\s*format\(["']woff["']\)/g,
          "",
        ),
        loader: "css",
      }),
    );
  },
};

// What `default-src 'self'; img-src 'self' data:; font-src 'self'` would refuse must not get into a
// stylesheet.
async function refuseForeignUrls(folder) {
  for (const file of await filesBelow(folder)) {
    if (!file.endsWith(".css")) continue;
    const foreign = (await readFile(file, "utf8")).match(
      /url\(["']?(https?:|\/\/|data:(?!image\/))[^)]{0,60}/,
    );
    if (foreign)
      throw new Error(
        `${path.basename(file)}: the content security policy refuses the URL ${foreign[0]}`,
      );
  }
}

async function manifest(folder) {
  const hashes = {};
  for (const file of await filesBelow(folder)) {
    const name = path.relative(folder, file).split(path.sep).join("/");
    if (name.startsWith("chunks/") || name.startsWith("files/") || name.startsWith("pdfjs/"))
      continue;
    hashes[name] = createHash("sha256")
      .update(await readFile(file))
      .digest("hex")
      .slice(0, 12);
  }
  return hashes;
}

const out = `${vendor}.${process.pid}`;
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const common = {
  bundle: true,
  minify: true,
  outdir: out,
  absWorkingDir: root,
  legalComments: "linked",
  logLevel: "warning",
  chunkNames: "chunks/[name]-[hash]",
  assetNames: "files/[name]-[hash]",
  target: ["chrome109", "firefox115", "safari16"],
  loader: { ".woff2": "file", ".woff": "file", ".svg": "file", ".png": "file" },
};
try {
  await esbuild.build({
    ...common,
    entryPoints: await entryPoints(),
    format: "esm",
    splitting: true,
    sourcemap: "linked",
    plugins: [controllers, eventCalendar],
  });
  await esbuild.build({
    ...common,
    entryPoints: {
      app: path.join(css, "app.css"),
      "app.rtl": path.join(css, "app.rtl.css"),
      calendar: path.join(css, "calendar.css"),
      reading: path.join(css, "reading.css"),
      ...(await scriptSheets()),
    },
    // absolute paths are pictures that Flask serves
    external: ["/static/*"],
    plugins: [woff2Only],
  });
  await refuseForeignUrls(out);
  // pdf.js starts its worker and fetches its tables by address, so they are copied, not bundled.
  await cp(
    path.join(modules, "pdfjs-dist/build/pdf.worker.min.mjs"),
    path.join(out, "pdf.worker.js"),
  );
  for (const folder of ["cmaps", "standard_fonts", "wasm", "iccs"]) {
    await cp(path.join(modules, "pdfjs-dist", folder), path.join(out, "pdfjs", folder), {
      recursive: true,
    });
  }
  await cp(path.join(modules, "bootstrap-icons/bootstrap-icons.svg"), path.join(out, "icons.svg"));
  await writeFile(path.join(out, "manifest.json"), JSON.stringify(await manifest(out), null, 1));
  // Swapped in whole: a server that runs meanwhile never serves half a build.
  await rename(vendor, `${out}.old`).catch(() => {});
  await rename(out, vendor);
} catch (error) {
  // esbuild has already shown its own messages
  if (!error.errors) console.error(error.message);
  process.exitCode = 1;
} finally {
  await rm(out, { recursive: true, force: true });
  await rm(`${out}.old`, { recursive: true, force: true });
}
