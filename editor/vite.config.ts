import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** The licences of what ends up in the bundle, beside it: all of them ask to be kept. */
function licences(): Plugin {
  return {
    name: "licences",
    generateBundle(_options, bundle) {
      const found = new Map<string, string>();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const module of Object.keys(chunk.modules)) {
          const inside = module.lastIndexOf("node_modules/");
          if (inside < 0) continue;
          let folder = dirname(module.slice(module.charCodeAt(0) === 0 ? 1 : 0));
          while (!existsSync(join(folder, "package.json")) || !packageOf(folder).name) folder = dirname(folder);
          const { name, version, license } = packageOf(folder);
          const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
          const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${license}`;
          found.set(`${name} ${version} (${license})`, text);
        }
      }
      const parts = [...found.keys()].sort().map((title) => `${title}\n\n${found.get(title)}\n`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source: parts.join(`\n${"-".repeat(80)}\n\n`) });
    },
  };
}

function packageOf(folder: string): { name?: string; version?: string; license?: string } {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

export default defineConfig({
  base: "/editor/",
  plugins: [licences()],
  build: {
    outDir: "../nurture/web/static/editor",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: false,
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      // Names that stay: the files are committed, and a diff should show what changed, not what it is called now.
      output: { entryFileNames: "editor.js", assetFileNames: "editor[extname]", inlineDynamicImports: true },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8765" } },
});
