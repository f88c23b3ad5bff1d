// How results of the search are ordered: pages for users whose titles have the words typed, then the class or function of that name, then other
// pages for users, records of the project last. Read by Sphinx while it builds; the numbers beside `score` are those of Sphinx.
const FOLDERS = [
  ["guide/", 40],
  ["start", 40],
  ["migrate/", 25],
  ["tutorials/", 20],
  ["how-to/", 20],
  ["_generated/gallery/applications/", 30],
  ["faq", 10],
  ["glossary", -20],
  ["reference/api/plugin.h", -40],
  ["reference/", 0],
  ["explanation/", -5],
  ["benchmarks/", -10],
  ["transcripts/", -20],
  ["community/", -20],
  ["decisions/", -40],
];

var Scorer = {
  score: ([page, , , , score]) => score + (FOLDERS.find(([folder]) => page.startsWith(folder)) ?? ["", 0])[1],
  objNameMatch: 50,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 30,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
