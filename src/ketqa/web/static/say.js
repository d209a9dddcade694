// Words for the page's script, and the two places where a screen reader hears them.
const words = document.getElementById("words").dataset;

export function word(key, values = {}) {
  const name = key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return words[name].replace(/\{(\w+)\}/g, (_, value) => values[value]);
}

export function say(text, place = "said") {
  const element = document.getElementById(place);
  element.textContent = "";
  // A change of text is what is heard, so the same text twice needs an empty one between.
  setTimeout(() => { element.textContent = text; }, 50);
}

export const { language } = words;

export function documentPath(file) {
  return file.split("/").map(encodeURIComponent).join("/");
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
