"""Builds the compiled modules; all metadata is in pyproject.toml.

Build switches, each set to 1 in the environment:
FASTBENCH_SANITIZE (ASan + UBSan), FASTBENCH_COVERAGE (line tracing), FASTBENCH_DEBUG (no optimisation).
"""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup


def switch(name: str) -> bool:
    return os.environ.get(f"FASTBENCH_{name}", "") not in ("", "0")


compile_args = ["-O3", "-std=gnu11", "-fno-strict-aliasing", "-Wall", "-Wno-unused-function"]
link_args: list[str] = []
macros: list[tuple[str, str | None]] = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
directives = {"language_level": 3, "embedsignature": False}

if switch("DEBUG"):
    compile_args += ["-O0", "-g", "-UNDEBUG"]
if switch("SANITIZE"):
    flags = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g", "-O1"]
    compile_args += flags
    link_args += flags
if switch("COVERAGE"):
    directives["linetrace"] = True
    macros.append(("CYTHON_TRACE_NOGIL", "1"))

root = Path(__file__).parent
sources = sorted(path.relative_to(root).as_posix() for path in root.glob("fastbench/**/*.pyx"))
if not sources:
    raise SystemExit("no fastbench/**/*.pyx beside setup.py: the source distribution is not whole")
extensions = [
    Extension(
        source.removesuffix(".pyx").replace("/", "."),
        [source],
        include_dirs=[numpy.get_include()],
        define_macros=macros,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for source in sources
]

workers = os.cpu_count() or 1
setup(
    ext_modules=cythonize(extensions, compiler_directives=directives, nthreads=workers),
    options={"build_ext": {"parallel": workers}},
)
