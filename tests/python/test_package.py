"""The package as others get it: what it contains, and a C++ program that finds it installed."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

import crucible
from crucible import _core

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "main"
PACKAGE = Path(crucible.__file__).parent


@pytest.mark.parametrize("helper", ["crucible-warden", "crucible-judge", "crucible-jail-init", "crucible-runner"])
def test_the_helpers_lie_in_the_package(helper: str) -> None:
    path = Path(_core.libexec_directory()) / helper
    assert path.stat().st_mode & stat.S_IXUSR
    assert path.resolve().is_relative_to(PACKAGE.resolve())


def test_configuration_header_and_types_come_along() -> None:
    assert (PACKAGE / "_include" / "crucible" / "kernel.h").is_file()
    assert (PACKAGE / "_configs" / "rewards" / "default.yaml").is_file()
    assert (PACKAGE / "_configs" / "tasks" / "rms_norm.yaml").is_file()
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "_core.pyi").is_file()
    assert list((Path(_core.libexec_directory()) / "baselines").glob("*.so"))


def test_the_stub_and_the_module_have_the_same_names() -> None:
    import ast

    stub = ast.parse((PACKAGE / "_core.pyi").read_text(encoding="utf-8"))
    declared = {node.name for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    declared |= {
        node.target.id for node in stub.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    real = {name for name in dir(_core) if not name.startswith("_")}
    assert declared == real
    for node in stub.body:
        if isinstance(node, ast.ClassDef) and not node.bases:
            members = {m.name for m in node.body if isinstance(m, ast.FunctionDef)}
            members |= {
                m.target.id for m in node.body if isinstance(m, ast.AnnAssign) and isinstance(m.target, ast.Name)
            }
            missing = {m for m in members if not hasattr(getattr(_core, node.name), m)}
            assert not missing, f"{node.name}: {missing}"


@pytest.mark.timeout(400)
@pytest.mark.skipif(not (BUILD / "CMakeCache.txt").is_file(), reason="no build tree to install from")
def test_a_cpp_program_finds_the_installed_package(tmp_path: Path) -> None:
    def run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stdout + done.stderr
        return done  # type: ignore[no-any-return]

    prefix = tmp_path / "a prefix with spaces"
    run("cmake", "--install", str(BUILD), "--component", "cpp", "--prefix", str(prefix))
    run("cmake", "-S", str(ROOT / "examples" / "cpp"), "-B", str(tmp_path / "b"), f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", str(tmp_path / "b"))
    (tmp_path / "k.cpp").write_text("no kernel")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CRUCIBLE_")}
    told = run(str(tmp_path / "b" / "evaluate"), "rms_norm", "k.cpp", cwd=tmp_path, env=clean).stdout
    assert "Verdict: compile_error" in told
    assert "reward 0" in told
