"""Cells of text files: cut lines into cells, read numbers, and number distinct texts. The work is done in cells.c; this is its Python
interface."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport INFINITY, NAN, fabs
from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from libc.string cimport memcpy, memset

import os
import sys

import numpy as np


cdef extern from "cells.h":
    ctypedef struct nnc_cells:
        const char *data
        const int32_t *begins
        const int32_t *ends
        int64_t n
    ctypedef struct nnc_distinct:
        uint64_t secrets[2]
        char *texts
        int64_t size
        int64_t *ends
        int64_t n
    ctypedef enum nnc_kind:
        NNC_IS_NUMBER
        NNC_IS_WORD
        NNC_IS_LONG
    enum:
        NNC_MISSING
        NNC_ODD
    bint nnc_cut(char *data, int64_t size, char separator, int64_t width, int64_t n_rows, int32_t *begins, int32_t *ends) nogil
    void nnc_strip(const char *data, int32_t *begins, int32_t *ends, int64_t n) nogil
    nnc_kind nnc_read_number(const char *text, int64_t size, double *number, uint16_t *form) nogil
    bint nnc_distinct_add(nnc_distinct *distinct, const nnc_cells *cells, int32_t *codes) nogil
    void nnc_distinct_free(nnc_distinct *distinct) nogil


MISSING, ODD = NNC_MISSING, NNC_ODD

#: The keys of this process for the hash of `nnc_distinct`.
cdef list _secrets = [int.from_bytes(os.urandom(8), sys.byteorder) | 1 for _ in range(2)]


def cut(bytes data, str separator, int64_t width, int64_t n_rows):
    """Cut lines into cells, as Python's `csv` does, without blanks around them.

    Parameters
    ----------
    data : bytes
        Whole lines of UTF-8 without zero bytes.
    separator : str
        One ASCII character, neither a blank nor a quote nor an end of line.
    width, n_rows : int
        Number of cells of a row, and number of lines.

    Returns
    -------
    text : bytes
    begins, ends : ndarray of shape (width, n_rows), int32
        Where each cell is in the text. The result is None if a line has another number of cells, or a quoted cell does not end in its line.
    """
    cdef int64_t size = len(data)
    begins, ends = np.empty((width, n_rows), np.int32), np.empty((width, n_rows), np.int32)
    text = PyBytes_FromStringAndSize(data, size)  # a new copy, which may be changed in place
    cdef int32_t[:, ::1] to_begins = begins, to_ends = ends
    if size > 2**31 - 1 or n_rows == 0 or width == 0:
        return None
    cdef char *own = PyBytes_AS_STRING(text)
    cdef char by = ord(separator)
    cdef bint is_plain
    with nogil:
        is_plain = nnc_cut(own, size, by, width, n_rows, &to_begins[0, 0], &to_ends[0, 0])
    return (text, begins, ends) if is_plain else None


def strip(const unsigned char[::1] data, int32_t[::1] begins, int32_t[::1] ends):
    """Strip blanks from cells, in place, as `str.strip` does."""
    if len(begins):
        nnc_strip(<const char *>&data[0] if len(data) else NULL, &begins[0], &ends[0], len(begins))


def read_numbers(
    const unsigned char[::1] data, const int32_t[::1] begins, const int32_t[::1] ends, double[::1] numbers, uint16_t[::1] forms
):
    """Read cells as finite numbers in ASCII digits.

    Parameters
    ----------
    data : bytes
    begins, ends : ndarray of shape (n,), int32
    numbers : ndarray of shape (n,), float64
        Output: each number, correctly rounded; NaN where there is none.
    forms : ndarray of shape (n,), uint16
        Output: the form of each text. `MISSING` is an empty cell. `ODD` is a word, or a number whose text `written_numbers` cannot restore.

    Returns
    -------
    int
        Number of forms that are `ODD`.
    """
    cdef int64_t i, n = len(begins), n_odd = 0
    cdef nnc_kind kind
    cdef const char *text = <const char *>&data[0] if len(data) else NULL
    for i in range(n):
        if begins[i] == ends[i]:
            numbers[i], forms[i] = NAN, NNC_MISSING
            continue
        kind = nnc_read_number(text + begins[i], ends[i] - begins[i], &numbers[i], &forms[i])
        if kind != NNC_IS_NUMBER:
            numbers[i], forms[i] = long_number(text + begins[i], ends[i] - begins[i]) if kind == NNC_IS_LONG else NAN, NNC_ODD
        n_odd += forms[i] == NNC_ODD
    return n_odd


cdef double long_number(const char *text, int64_t size) except? -1.0:
    """A number as Python reads it; NaN if it is too large."""
    cdef double number = float(text[:size])
    return number if fabs(number) < INFINITY else NAN


def written_numbers(const double[::1] numbers, const uint16_t[::1] forms):
    """Restore the texts that `read_numbers` has read, from forms that are neither `MISSING` nor `ODD`."""
    cdef list texts = []
    cdef int decimals, delta
    for i in range(len(numbers)):
        decimals, delta = forms[i] & 31, (forms[i] >> 6) - 512
        text = f"{numbers[i]:.{decimals}f}"
        if delta:
            sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text)
            digits = str(int(digits.replace(".", "")) + delta).rjust(decimals + 1, "0")
            text = sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
        if forms[i] & 32:
            text = text.replace("0.", ".", 1)
        texts.append(text)
    return texts


cdef class Distinct:
    """Distinct texts, in the order in which they first occur."""

    cdef nnc_distinct distinct

    def __cinit__(self):
        memset(&self.distinct, 0, sizeof(self.distinct))
        for i in range(2):
            self.distinct.secrets[i] = _secrets[i]

    def __dealloc__(self):
        nnc_distinct_free(&self.distinct)

    def __len__(self):
        return self.distinct.n

    def add(self, const unsigned char[::1] data, const int32_t[::1] begins, const int32_t[::1] ends):
        """Add the texts of cells. Return the number of each cell's text, int32 of shape ``(n,)``, -1 for an empty cell."""
        codes = np.empty(len(begins), np.int32)
        cdef int32_t[::1] to = codes
        cdef nnc_cells cells
        if len(begins):
            cells.data = <const char *>&data[0] if len(data) else NULL
            cells.begins, cells.ends, cells.n = &begins[0], &ends[0], len(begins)
            if not nnc_distinct_add(&self.distinct, &cells, &to[0]):
                raise MemoryError
        return codes

    def texts(self):
        """All distinct texts, as bytes, and where each ends, int64 of shape ``(n,)``."""
        ends = np.empty(self.distinct.n, np.int64)
        cdef int64_t[::1] to = ends
        if self.distinct.n:
            memcpy(&to[0], self.distinct.ends, self.distinct.n * sizeof(int64_t))
        return PyBytes_FromStringAndSize(self.distinct.texts, self.distinct.size), ends
