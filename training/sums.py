"""Write the hashes of the weights and word lists that ketqa comes with.

python training/sums.py
"""

from ketqa.shipped import SUMS, list_shipped

if __name__ == "__main__":
    lines = [f"{sha256}  {name}\n" for name, sha256 in list_shipped().items()]
    SUMS.write_text("".join(lines), encoding="ascii")
