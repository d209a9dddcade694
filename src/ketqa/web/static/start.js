// Before Gradio starts: it is the whole page's app, not one embedded in another site.
window.__gradio_mode__ = "app";
// What stands before the question that is asked now: the whole chat, or the part that is kept
// when an earlier question is changed. page.js gives the real one.
window.ketqa = { before: () => location.search };
