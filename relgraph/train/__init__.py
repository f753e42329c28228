"""Training, evaluation and prediction with emitted model files.

In: requests (`TrainRequest`, `EvaluateRequest`, `PredictRequest`). Out: frozen results, and run
folders on disk. Models are loaded from files by path; nothing here knows of specs of operators or
backbones. Importing this module imports neither torch nor numpy; calling its functions does.
"""

from __future__ import annotations

from relgraph.train.extra import require_training_extra
from relgraph.train.request import (
    Accelerator,
    EvaluateRequest,
    Evaluation,
    Prediction,
    PredictRequest,
    RunResult,
    Score,
    Split,
    TrainRequest,
)

__all__ = [
    "Accelerator",
    "EvaluateRequest",
    "Evaluation",
    "PredictRequest",
    "Prediction",
    "RunResult",
    "Score",
    "Split",
    "TrainRequest",
    "evaluate",
    "linear_baseline",
    "predict",
    "train",
]


def train(request: TrainRequest) -> RunResult:
    """Train a model, or go on with a training, until its last epoch, Ctrl-C or SIGTERM.

    On one process a resumed run gives bit for bit what the uninterrupted one would have given, on
    the same machine and number of threads. With several devices every process returns a result;
    the main one's is told by `is_main`.

    Raises RelgraphError for a user's mistake, for images that can't be read, and for a loss that is
    no finite number (with the update and the first bad module).
    """
    require_training_extra()
    from relgraph.train.session import run_training

    return run_training(request)


def evaluate(request: EvaluateRequest) -> Evaluation:
    """Score a run's weights (the averaged ones where there are any) on labelled images.

    Raises RelgraphError where the run, a checkpoint or the images can't be used.
    """
    require_training_extra()
    from relgraph.train.evaluation import run_evaluation

    return run_evaluation(request)


def predict(request: PredictRequest) -> tuple[Prediction, ...]:
    """Classify pictures of any mode and size with a run's weights, in the order given.

    Raises RelgraphError with a problem for every picture that can't be read.
    """
    require_training_extra()
    from relgraph.train.prediction import run_prediction

    return run_prediction(request)


def linear_baseline() -> Score:
    """The score of logistic regression on the raw pixels of the embedded images.

    What a model must beat to have learned something; takes a few seconds.
    """
    require_training_extra()
    from relgraph.train.logistic import logistic_regression

    return logistic_regression()
