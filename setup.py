"""Builds the compiled modules; all metadata is in pyproject.toml.

Build switches, each set to 1 in the environment:
FASTBENCH_SANITIZE (ASan + UBSan), FASTBENCH_TSAN (ThreadSanitizer), FASTBENCH_COVERAGE (line tracing),
FASTBENCH_DEBUG (no optimisation).
"""

import atexit
import copy
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


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
if switch("TSAN"):
    flags = ["-fsanitize=thread", "-fno-omit-frame-pointer", "-g", "-O1"]
    compile_args += flags
    link_args += flags
if switch("COVERAGE"):
    directives["linetrace"] = True
    macros.append(("CYTHON_TRACE_NOGIL", "1"))

root = Path(__file__).resolve().parent
sys.path.insert(0, str(root))
from needs import fault  # noqa: E402  # it stands beside this file

# Each of these is about to compile, or to fetch what only a compiled fastbench needs.
if {"dist_info", "bdist_wheel", "editable_wheel", "build_ext", "build", "install", "develop"} & set(sys.argv):
    missing = fault()
    if missing:
        raise SystemExit(missing)

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


class BuildExt(build_ext):
    """Makes the C files below the build directory, so that nothing is written beside the sources, and only when they
    are about to be compiled."""

    def run(self) -> None:
        """Cythonizes, compiles, links."""
        c_files = os.path.join(self.get_finalized_command("build").build_base, "cython")
        if switch("COVERAGE"):
            c_files = None  # Cython's plugin for coverage looks for them beside the sources
        made = cythonize(
            copy.deepcopy(self.extensions), compiler_directives=directives, nthreads=workers, build_dir=c_files
        )
        named = {extension.name: extension for extension in made}
        for extension in self.extensions:
            extension.sources, extension.depends = named[extension.name].sources, named[extension.name].depends
        super().run()


options = {"build_ext": {"parallel": workers}}
if not os.access(root, os.W_OK):
    # A source tree that cannot be written to, such as a mounted one: all that a build leaves goes elsewhere.
    elsewhere = tempfile.mkdtemp(prefix="fastbench-build-")
    atexit.register(shutil.rmtree, elsewhere, ignore_errors=True)
    options |= {"build": {"build_base": elsewhere}, "egg_info": {"egg_base": elsewhere}}
setup(ext_modules=extensions, cmdclass={"build_ext": BuildExt}, options=options)
