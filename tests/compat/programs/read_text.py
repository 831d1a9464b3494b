"""Text on a page by RapidOCR's public call: detection, orientation and recognition."""

import cv2
import numpy as np
from rapidocr import RapidOCR
from reporting import report

LINES = ["Deadlines are kept", "in the middle of compute", "Order 66-1138, 17:45", "a total of 1234.50"]


def page():
    image = np.full((320, 640, 3), 255, np.uint8)
    for i, line in enumerate(LINES):
        cv2.putText(image, line, (24, 64 + 70 * i), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (0, 0, 0), 2, cv2.LINE_AA)
    return image


ocr = RapidOCR(params={"Global.log_level": "critical"})
IMAGE = page()


def answers():
    found = ocr(IMAGE)
    return {
        "texts": list(found.txts),
        "scores": [float(score) for score in found.scores],
        "boxes": np.asarray(found.boxes).tolist(),
    }


report(answers)
