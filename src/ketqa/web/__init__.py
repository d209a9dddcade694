"""The page: a Gradio chat, escaped quote cards, and the documents with the quote marked."""
