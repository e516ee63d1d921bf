"""Builds the compiled modules; all metadata is in pyproject.toml.

Build switches, each set to 1 in the environment: FASTBENCH_SANITIZE (ASan + UBSan), FASTBENCH_TSAN (ThreadSanitizer),
FASTBENCH_COVERAGE (gcov counts the lines of the .pyx files), FASTBENCH_DEBUG (no optimisation).
"""

import copy
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

root = Path(__file__).resolve().parent
sys.path.insert(0, str(root))
from needs import fault  # noqa: E402  # it stands beside this file

switches = ("SANITIZE", "TSAN", "COVERAGE", "DEBUG")
on = [name for name in switches if os.environ.get(f"FASTBENCH_{name}", "") not in ("", "0")]
checked = [kinds for name, kinds in (("SANITIZE", "address,undefined"), ("TSAN", "thread")) if name in on]
flags = [flag for kinds in checked for flag in (f"-fsanitize={kinds}", "-fno-omit-frame-pointer", "-g", "-O1")]
flags += ["-O0", "-g", "-UNDEBUG"] if "DEBUG" in on else []
# By gcov, not by Cython's line tracing: that would take the GIL in each function of the core, and under Python 3.11 its
# frames crash coverage's tracer while a module is imported (https://github.com/cython/cython/issues/5222).
flags += ["-O0", "--coverage", "-fprofile-update=atomic"] if "COVERAGE" in on else []


class BuildExt(build_ext):
    """Makes the C files below the build directory, and only when they are about to be compiled."""

    def run(self) -> None:
        """Cythonizes, compiles, links."""
        settings = {"build_dir": os.path.join(self.get_finalized_command("build").build_base, "cython")}
        # Nothing here is pickled or looks at a function's signature: a third of the C code less.
        directives = {"language_level": 3, "embedsignature": False, "auto_pickle": False, "binding": False}
        settings |= {"compiler_directives": directives}
        settings |= {"nthreads": self.parallel or 1, "emit_linenums": "COVERAGE" in on}
        made = cythonize(copy.deepcopy(self.extensions), **settings)
        named = {extension.name: extension for extension in made}
        for extension in self.extensions:
            extension.sources, extension.depends = named[extension.name].sources, named[extension.name].depends
        super().run()


# Each of these is about to compile, or to fetch what only a compiled fastbench needs.
building = {"dist_info", "bdist_wheel", "editable_wheel", "build_ext", "build", "install", "develop"} & set(sys.argv)
if missing := building and fault():
    raise SystemExit(missing)
sources = sorted(path.relative_to(root).as_posix() for path in root.glob("fastbench/**/*.pyx"))
if not sources:
    raise SystemExit("no fastbench/**/*.pyx beside setup.py: the source distribution is not whole")
# A wheel is for every Python from 3.11 on; what is built in place is for the one at hand. A Python without the GIL has
# no stable ABI.
abi3 = "bdist_wheel" in sys.argv and not on and not sysconfig.get_config_var("Py_GIL_DISABLED")
macros = [("_GNU_SOURCE", "1"), *([("Py_LIMITED_API", "0x030B0000")] if abi3 else [])]
settings = {"define_macros": macros, "extra_link_args": flags, "py_limited_api": abi3}
words = ["-g0", "-std=gnu11", "-fno-strict-aliasing", "-Wall", "-Wno-unused-function"]
# With the stable ABI, Python.h includes less of the C library. What is then not declared would return an int.
words += ["-Werror=implicit-function-declaration"]
options = {"build_ext": {"parallel": os.cpu_count()}}
if abi3:  # apart from what is built in place, whose modules would get into the wheel
    options |= {"bdist_wheel": {"py_limited_api": "cp311"}, "build": {"build_base": "build/abi3"}}
if not os.access(root, os.W_OK):  # as a mounted one: all that a build leaves goes elsewhere
    elsewhere = tempfile.TemporaryDirectory(prefix="fastbench-build-", ignore_cleanup_errors=True)
    options |= {"build": {"build_base": elsewhere.name}, "egg_info": {"egg_base": elsewhere.name}}
modules = []
for source in sources:
    # What each token goes through; the simulated service; what tests alone use.
    level = "-O1" if source.endswith("/trial.pyx") else "-O3" if source.startswith("fastbench/_core/") else "-O2"
    name = source.removesuffix(".pyx").replace("/", ".")
    modules.append(Extension(name, [source], extra_compile_args=[level, *words, *flags], **settings))
setup(ext_modules=modules, cmdclass={"build_ext": BuildExt}, options=options)
