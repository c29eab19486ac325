"""A distillation with Keras's own Distiller, with the loss that its documentation describes:

python end_to_end_keras.py <teacher> <images> <threads> <seed> <epochs> <held out>
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf
from keras.distillation import Distiller, LogitsDistillation

from common import peak_bytes, say
from fashion import load, process_seconds, teacher
from keras_models import model_with
from keras_runner import build

BATCH, T = 64, 4.0


def check_loss(loss, teacher_logits):
    """It must be T^2 KL(softmax(teacher / T) || softmax(student / T)), or this is not the same work."""
    log_softmax = lambda z: z - np.log(np.exp(z).sum(1, keepdims=True))
    teacher_logits = np.asarray(teacher_logits, np.float64)
    student_logits = teacher_logits[::-1].copy()
    p, q = log_softmax(teacher_logits / T), log_softmax(student_logits / T)
    expected = T * T * (np.exp(p) * (p - q)).sum(1).mean()
    as32 = lambda v: tf.constant(v.astype(np.float32))
    found = float(loss.compute_loss(as32(teacher_logits), as32(student_logits)))
    if abs(found - expected) > 1e-3 * expected:
        raise SystemExit(f"Keras's distillation loss is {found}, expected {expected}: not the same work")


folder, images = sys.argv[1:3]
threads, seed, epochs, held_out = map(int, sys.argv[3:7])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(seed)

(x, y), (test_x, test_y) = load(images, held_out)
x, test_x = x[..., None], test_x[..., None]
spec, weights = teacher(folder)
big = model_with(keras, spec, weights)
small = build(keras, {**spec, "model": {"kind": "preset", "name": "keras-student"}})
compared = big.predict_on_batch(x[:64])
# By its default, the string "kl_divergence", Keras 3.15 takes the divergence of the logits themselves, without softmax and T^2:
# only an instance of the class is treated as its documentation says. The others minimise the latter, so this does too.
soft = LogitsDistillation(temperature=T, loss=keras.losses.KLDivergence())
check_loss(soft, compared)
distiller = Distiller(teacher=big, student=small, distillation_losses=soft, student_loss_weight=0.1)
distiller.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
labelled = process_seconds()
distiller.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)
trained = process_seconds()
right = (small.predict(test_x, batch_size=256, verbose=0).argmax(1) == test_y).mean()
parts = {
    "start and labelling, s": labelled,
    "training, s": trained - labelled,
    "evaluating and writing, s": process_seconds() - trained,
    "test accuracy, %": 100 * float(right),
}
say(
    {
        "version": f"Keras {keras.__version__}, TensorFlow {tf.__version__}",
        "detail": "Distiller, fit, LogitsDistillation(loss=KLDivergence())",
        "parts": parts,
        "compared": [float(v) for v in np.ravel(compared)],
        "peakBytes": peak_bytes(),
    }
)
