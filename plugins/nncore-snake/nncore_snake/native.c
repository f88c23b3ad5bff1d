/* The module that hands out the tables as capsules, within the stable ABI of Python 3.11. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "nncore/plugin.h"

extern const nnc_activation nncore_snake_snake, nncore_snake_hard_swish, nncore_snake_squareplus;
extern const nnc_layer nncore_snake_learnable_snake;

static int add_capsule(PyObject *module, const char *attribute, const void *table, const char *capsule_name) {
    PyObject *capsule = PyCapsule_New((void *)table, capsule_name, NULL);
    int status = PyModule_AddObjectRef(module, attribute, capsule);
    Py_XDECREF(capsule);
    return status;
}

static int fill(PyObject *module) {
    if (add_capsule(module, "snake", &nncore_snake_snake, "nncore.activation") < 0) return -1;
    if (add_capsule(module, "hard_swish", &nncore_snake_hard_swish, "nncore.activation") < 0) return -1;
    if (add_capsule(module, "squareplus", &nncore_snake_squareplus, "nncore.activation") < 0) return -1;
    return add_capsule(module, "learnable_snake", &nncore_snake_learnable_snake, "nncore.layer");
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_mod_gil /* not in the stable ABI before 3.13: only a build for one free-threaded Python says it */
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "native", "Compiled tables of nncore-snake.", 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&definition); }
