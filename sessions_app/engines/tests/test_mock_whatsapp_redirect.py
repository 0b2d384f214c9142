"""The library's constants are overwritten in memory, if they are where they should be."""

from __future__ import annotations

import mmap

import pytest

from sessions_app.engines.tests.mock_whatsapp.redirect import (
    ADDRESS,
    ROOT_KEY,
    ConstantNotFound,
    redirect,
)

NEW_ROOT = bytes(range(32))


@pytest.fixture
def load(tmp_path):
    """Map a file into memory, as a library's constants are."""
    opened = []

    def mapped(content):
        path = tmp_path / "library.so"
        path.write_bytes(content)
        with path.open("rb") as file:
            image = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        opened.append(image)
        return path, image

    yield mapped
    for image in opened:
        image.close()


def test_both_constants_are_overwritten_in_memory_only(load):
    content = b"before" + ADDRESS + b"between" + ROOT_KEY + b"after"
    path, image = load(content)

    redirect(path, 4321, NEW_ROOT)

    assert image[:].startswith(b"beforews://127.0.0.1:4321/ws/chat?x")
    assert image[:].endswith(b"between" + NEW_ROOT + b"after")
    assert len(image) == len(content)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [ADDRESS, ADDRESS + ADDRESS + ROOT_KEY])
def test_a_library_of_another_version_is_refused(load, content):
    path, image = load(content)

    with pytest.raises(ConstantNotFound):
        redirect(path, 4321, NEW_ROOT)

    assert image[:] == content


def test_a_library_that_is_not_loaded_is_refused(tmp_path):
    path = tmp_path / "library.so"
    path.write_bytes(ADDRESS + ROOT_KEY)

    with pytest.raises(ConstantNotFound):
        redirect(path, 4321, NEW_ROOT)
