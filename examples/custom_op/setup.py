from Cython.Build import cythonize
from setuptools import Extension, setup

import engine

setup(
    ext_modules=[
        Extension(
            "audio_ops._log_mel",
            ["audio_ops/log_mel.cpp", "audio_ops/fft.cpp"],
            depends=["audio_ops/fft.h"],
            include_dirs=[engine.get_include()],
            extra_compile_args=["-std=c++17", "-O2"],
            language="c++",
        ),
        *cythonize(
            Extension("audio_ops._ngrams", ["audio_ops/_ngrams.pyx"], include_dirs=[engine.get_include()]),
            language_level=3,
        ),
    ]
)
