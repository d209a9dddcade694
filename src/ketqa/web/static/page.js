// What the page does when something is pressed. The chat itself is Gradio's; everything here
// works on the escaped HTML that the server wrote, and asks nothing of any other host.
import * as chat from "./chat.js";
import * as keep from "./keep.js";
import * as quote from "./quote.js";
import * as reader from "./reader.js";
import * as sources from "./sources.js";

// What `data-do` names: each gets the element that was pressed.
const pressed = {
  again: chat.again,
  cancel: chat.cancel,
  edit: chat.edit,
  example: chat.example,
  language: (link) => { location.href = link.getAttribute("href") + location.search; },
  new: chat.startAnew,
  "own-words": chat.searchOwnWords,
  search: chat.changeSearch,
  share: chat.share,
  copy: quote.copy,
  more: quote.more,
  opinion: keep.opinion,
  verify: quote.verify,
  "close-reader": reader.close,
  heading: reader.heading,
  "in-text": reader.inText,
  page: reader.turnPage,
  next: () => reader.turn(1),
  previous: () => reader.turn(-1),
  read: reader.open,
  sources: sources.open,
  "show-all": sources.showAll,
  earlier: keep.open,
  "export-opinions": keep.exportOpinions,
  forget: keep.forget,
  "forget-opinions": keep.forgetOpinions,
  "go-earlier": (link) => { document.getElementById("earlier").close(); chat.go(link.getAttribute("href")); },
};
const ticked = {
  "filter-file": sources.filterFile,
  "filter-kind": sources.filterKind,
  keep: keep.setKept,
};

document.addEventListener("click", (event) => {
  const element = event.target.closest("[data-do]");
  const act = element && pressed[element.dataset.do];
  if (!act) return;
  // A link opened in a new tab or window stays a link.
  if (element.tagName === "A" && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
  event.preventDefault();
  act(element);
});
document.addEventListener("change", (event) => {
  const act = ticked[event.target.dataset?.do];
  if (act) act(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") quote.hideTip();
});
for (const name of ["mouseout", "focusout"]) {
  document.addEventListener(name, (event) => delete event.target.dataset?.dismissed);
}

chat.whenAnswered((section) => {
  sources.apply();
  keep.remember(section);
});
chat.start();
