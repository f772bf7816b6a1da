// How the search ranks pages: first those with the words in their title, then guides, and last the pages that name everything.
const LISTS_OF_ALL = /^(changelog|contributing|how-to\/index$|reference\/upstream|explanation\/(compared|guarantees))/;
const WORDS = (new URLSearchParams(location.search).get("q") || "").toLowerCase().match(/[\w-]+/g) || [];

var Scorer = {
  score: ([page, title, anchor, , score, , kind]) => {
    // The exact name of a class or a function comes first, a plain word that is also an attribute's name does not.
    if (kind === "object") return /[A-Z]|_/.test(title.split(".").pop()) ? score - 12 : score - 30;
    if (kind === "index") return score / 5;
    const inTitle = WORDS.every((word) => title.toLowerCase().includes(word.replace(/s$/, "")));
    return (
      score + (page.startsWith("how-to/") ? 12 : 0) - (LISTS_OF_ALL.test(page) ? 16 : 0) + (inTitle ? (anchor ? 3 : 13) : 0)
    );
  },
  objNameMatch: 45,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
