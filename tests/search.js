// The pages that the search of the built documentation finds first, a line of JSON for each query: node search.js HTML QUERY...
"use strict";
const { readFileSync } = require("fs");
const { join } = require("path");
const vm = require("vm");

const [folder, ...queries] = process.argv.slice(2);
const FILES = ["_static/language_data.js", "_static/searchtools.js", "searchindex.js"];
const scripts = FILES.map((file) => new vm.Script(readFileSync(join(folder, file), "utf8"), { filename: file }));
for (const query of queries) {
  const page = {
    document: { getElementById: () => null },
    location: { search: `?q=${encodeURIComponent(query)}` },
    _: (text) => text,
    _ready() {},
    URLSearchParams,
    SPHINX_HIGHLIGHT_ENABLED: false,
  };
  page.window = vm.createContext(page);
  for (const script of scripts) script.runInContext(page);
  const found = vm.runInContext(`Search._performSearch(...Search._parseQuery(${JSON.stringify(query)}))`, page);
  // The last is shown first.
  console.log(JSON.stringify(found.reverse().slice(0, 5).map(([name, , anchor, , score]) => [name, anchor, score])));
}
