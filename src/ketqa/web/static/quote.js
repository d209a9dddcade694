// One quote card: more of its context, a copy, a check against the stored document.
import { tell } from "./chat.js";
import { copyText, documentPath, word } from "./say.js";

const card = (element) => element.closest(".card");
const mark = (element) => card(element).querySelector("mark.quote");
// Offsets are Unicode code points, as iterating over a string gives them.
const points = (text) => [...text].length;

export async function more(button) {
  const { side } = button.dataset;
  const quote = mark(button);
  const context = card(button).querySelector(`.context.${side}`);
  const reach = points(context.textContent);
  const start = Number(quote.dataset.start) - (side === "before" ? reach : 0);
  const end = Number(quote.dataset.end) + (side === "after" ? reach : 0);
  const path = `/nearby/${documentPath(quote.dataset.file)}?start=${start}&end=${end}&side=${side}`;
  const found = await (await fetch(path)).json();
  if (!found) {
    button.disabled = true;
    return;
  }
  if (side === "before") context.prepend(found.text);
  else context.append(found.text);
}

export async function copy(button) {
  const text = `“${mark(button).textContent}”\n${button.dataset.citation}`;
  tell(button, word((await copyText(text)) ? "copied" : "copy_failed"));
}

export async function verify(button) {
  const quote = mark(button);
  const { file, start, end } = quote.dataset;
  const path = `/words/${documentPath(file)}?start=${start}&end=${end}`;
  const stored = await (await fetch(path)).json();
  const same = stored.text === quote.textContent;
  card(button).querySelector(".verified").textContent = "";
  tell(button, word(same ? "verify_same" : "verify_differs"));
}

export function hideTip() {
  for (const label of document.querySelectorAll(".sure:hover, .sure:focus")) {
    label.dataset.dismissed = "";
  }
}
