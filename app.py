"""Open the chat page: ``python app.py``."""

import os
import sys
from pathlib import Path

from ketqa.cli import main

if __name__ == "__main__":
    here = Path(__file__).parent
    index = str(here / "index")
    code = main(["index", "--corpus", str(here / "corpus"), "--index", index])
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    sys.exit(code or main(["serve", "--index", index, "--host", host, "--port", port]))
