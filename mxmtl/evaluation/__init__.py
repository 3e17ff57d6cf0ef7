"""What a trained model does on records: its predictions beside their labels."""

from ._predictions import Predictions as Predictions
from ._predictions import predict_records as predict_records
