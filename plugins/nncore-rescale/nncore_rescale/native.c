/* The module that hands out the table as a capsule, within the stable ABI of Python 3.11. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "nncore/plugin.h"

extern const nnc_layer nncore_rescale_rescale;

static int fill(PyObject *module) {
    PyObject *capsule = PyCapsule_New((void *)&nncore_rescale_rescale, "nncore.layer", NULL);
    int status = PyModule_AddObjectRef(module, "rescale", capsule);
    Py_XDECREF(capsule);
    return status;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_mod_gil /* not in the stable ABI before 3.13: only a build for one free-threaded Python says it */
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "native", "The compiled table of nncore-rescale.", 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&definition); }
