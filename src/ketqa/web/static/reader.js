// The reader view: a document beside the chat, at the quote, with the answer's others marked.
import { documentPath, language, say, word } from "./say.js";

const book = document.getElementById("book");
let openedBy = null;

export async function open(link) {
  const address = new URL(link.href);
  const file = decodeURIComponent(address.pathname.replace(/^\/documents\//, ""));
  const query = new URLSearchParams(address.search);
  for (const mark of link.closest("section.answer")?.querySelectorAll("mark.quote") ?? []) {
    if (mark.dataset.file === file) query.append("also", `${mark.dataset.start}-${mark.dataset.end}`);
  }
  query.set("lang", language);
  openedBy = link;
  link.closest("dialog")?.close();
  book.hidden = false;
  document.body.classList.add("beside");
  book.replaceChildren(Object.assign(document.createElement("p"), { textContent: word("reader_loading") }));
  try {
    const response = await fetch(`/read/${documentPath(file)}?${query}`);
    if (!response.ok) throw new Error(response.statusText);
    book.innerHTML = await response.text(); // our own server's, escaped there
  } catch {
    book.textContent = word("reader_failed");
    say(word("reader_failed"));
    return;
  }
  const quote = book.querySelector("#quote");
  if (quote) show(quote);
  else book.focus();
}

function marks() {
  return [...book.querySelectorAll("mark.quote")];
}

function show(mark) {
  for (const other of marks()) other.classList.toggle("other", other !== mark);
  place(mark);
  mark.focus({ preventScroll: true });
  bring(mark);
}

function place(mark) {
  const all = marks();
  const text = word("reader_place", { n: all.indexOf(mark) + 1, of: all.length });
  book.querySelector(".place").textContent = text;
  if (all.length > 1) say(text);
}

// Beside the chat only the document scrolls; below it, on a narrow screen, the page does.
function bring(element) {
  const pages = book.querySelector(".pages");
  if (pages.scrollHeight > pages.clientHeight) {
    const offset = element.getBoundingClientRect().top - pages.getBoundingClientRect().top;
    pages.scrollTop += offset - pages.clientHeight / 3;
    book.scrollIntoView({ block: "nearest" });
  } else {
    element.scrollIntoView({ block: "center" });
  }
}

export function turn(step) {
  const all = marks();
  const now = all.findIndex((mark) => !mark.classList.contains("other"));
  show(all[(now + step + all.length) % all.length]);
}

export function heading(link) {
  const found = document.getElementById(link.getAttribute("href").slice(1));
  found.tabIndex = -1;
  found.focus({ preventScroll: true });
  bring(found);
}

export function close() {
  book.hidden = true;
  book.replaceChildren();
  document.body.classList.remove("beside");
  if (openedBy?.isConnected) {
    openedBy.focus({ preventScroll: true });
    openedBy.scrollIntoView({ block: "center" });
  }
}
