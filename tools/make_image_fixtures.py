"""Makes tests/fixtures/images: small image files, and what Pillow and Transformers' ViTImageProcessor (its Pillow backend) make
of them.

usage: python tools/make_image_fixtures.py       (needs pillow, numpy and transformers)

<name>.png, <name>.jpg   the files
images.json   {decoded: {file: {width, height, rgb}}, resized: [{file, width, height, resample, rgb}],
               preprocessed: [{file, config, width, height, pixelValues}]}; bytes and float32 values as base64
"""
import base64
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "images"
RNG = np.random.default_rng(7)


def picture(height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([127 + 120 * np.sin(x / 3 + y / 5), 127 + 120 * np.cos(x / 2 - y / 4), (x * 17 + y * 29) % 256], -1)
    return Image.fromarray(np.clip(waves + RNG.normal(0, 12, waves.shape), 0, 255).astype(np.uint8))


def raw_png(name, width, height, depth, color_type, rows):
    """Sample depths that Pillow does not write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    (OUT / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def write_files():
    image = picture(19, 26)
    image.save(OUT / "rgb.png")
    image.convert("L").save(OUT / "grey.png")
    image.convert("LA").save(OUT / "greyAlpha.png")
    image.convert("P").save(OUT / "palette.png")
    image.quantize(4).save(OUT / "palette2bit.png")
    image.convert("1").save(OUT / "grey1bit.png")
    transparent = image.convert("RGBA")
    transparent.putalpha(image.convert("L"))
    transparent.save(OUT / "alpha.png")
    for name, color_type, channels in (("grey16", 0, 1), ("greyAlpha16", 4, 2), ("rgb16", 2, 3)):
        samples = RNG.integers(0, 65536, (3, 5, channels)).astype(">u2")
        samples[0, :, :] = np.array([0, 128, 255, 256, 65535])[:, None]
        raw_png(f"{name}.png", 5, 3, 16, color_type, [row.tobytes() for row in samples])
    raw_png("grey2bit.png", 6, 2, 2, 0, [bytes([0b00011011, 0b11000000]), bytes([0b11100100, 0b01000000])])
    raw_png("grey4bit.png", 3, 2, 4, 0, [bytes([0x0f, 0x80]), bytes([0x3c, 0xf0])])
    image.save(OUT / "baseline420.jpg", quality=85)
    image.save(OUT / "baseline444.jpg", quality=90, subsampling=0)
    image.save(OUT / "progressive.jpg", quality=70, progressive=True)
    image.convert("L").save(OUT / "grey.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    image.save(OUT / "turned.jpg", exif=turned)


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def load(path):
    """As transformers.image_utils.load_image does."""
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def decoded():
    files = sorted([*OUT.glob("*.png"), *OUT.glob("*.jpg")])
    return {f.name: dict(width=load(f).width, height=load(f).height, rgb=encoded(np.asarray(load(f)))) for f in files}


def resized():
    cases = []
    for resample in range(6):
        for width, height in ((13, 7), (26, 5), (9, 19), (37, 31), (1, 1), (3, 40), (22, 6), (37, 7)):
            result = load(OUT / "rgb.png").resize((width, height), resample)
            cases.append(dict(file="rgb.png", width=width, height=height, resample=resample, rgb=encoded(np.asarray(result))))
    return cases


CONFIGS = [
    dict(size=dict(height=16, width=16)),
    dict(size=dict(height=12, width=10)),
    dict(size=9, resample=3, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]),
    dict(size=dict(shortest_edge=11), resample=3, do_center_crop=True, crop_size=dict(height=9, width=9)),
    dict(size=dict(shortest_edge=8), do_center_crop=True, crop_size=dict(height=15, width=11), do_normalize=False),
    dict(do_resize=False, do_center_crop=True, crop_size=7, do_rescale=False),
    dict(size=dict(height=6, width=6), resample=0, do_normalize=False, rescale_factor=0.00784313725490196),
]


def preprocessed():
    cases = []
    for i, config in enumerate(CONFIGS):
        file = ("baseline420.jpg", "rgb.png", "alpha.png")[i % 3]
        processor = ViTImageProcessorPil(**config)
        values = processor(load(OUT / file), return_tensors="np")["pixel_values"][0].astype(np.float32)
        cases.append(dict(file=file, config=config, width=values.shape[2], height=values.shape[1], pixelValues=encoded(values)))
    return cases


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    write_files()
    made = dict(decoded=decoded(), resized=resized(), preprocessed=preprocessed())
    (OUT / "images.json").write_text(json.dumps(made, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
