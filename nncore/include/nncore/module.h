/* nncore/module.h: the Python module that hands out the tables of a plugin written in C or C++.
 *
 * One file of the package `mine` says
 *
 *     #include "nncore/module.h"
 *     #include "nncore/plugin.h"
 *
 *     extern const nnc_layer mine_scale;
 *     static const nnc_entry tables[] = {{"scale", &mine_scale, "nncore.layer"}};
 *
 *     NNC_MODULE(native, "Compiled tables of mine.", tables)
 *
 * is compiled as the extension `mine.native`, and a class says `kernel = Kernel("mine.native:scale")`. All of it is in the stable ABI of
 * Python 3.11 (`Py_LIMITED_API` 0x030B0000), so one wheel can serve that version and later ones. Include it before other headers, as
 * Python.h asks for. */
#ifndef NNCORE_MODULE_H
#define NNCORE_MODULE_H

#include <Python.h>

/* A table that a module hands out. */
typedef struct nnc_entry {
    const char *attribute; /* of the module */
    const void *table;     /* stays where it is while the process runs */
    const char *capsule;   /* what kind it is: "nncore.", then the name of the table's type without nnc_, as in "nncore.layer" */
} nnc_entry;

/* Makes a table an attribute of the module, in a capsule. Returns 0, or -1 with an exception set. */
static inline int nnc_add_table(PyObject *module, const char *attribute, const void *table, const char *capsule) {
    PyObject *object = PyCapsule_New((void *)table, capsule, NULL);
    int status = PyModule_AddObjectRef(module, attribute, object);
    Py_XDECREF(object);
    return status;
}

/* Functions of tables share nothing, so their module needs no GIL. */
#ifdef Py_mod_gil /* not in the stable ABI before 3.13: only a build for one free-threaded Python says it */
#define NNC_GIL_SLOT {Py_mod_gil, Py_MOD_GIL_NOT_USED}
#else
#define NNC_GIL_SLOT {0, NULL}
#endif

/* Defines the extension module `name`, once in an extension. `doc` is its docstring, `entries` an array of nnc_entry. */
#define NNC_MODULE(name, doc, entries)                                                                            \
    static int nnc_fill_module(PyObject *module) {                                                                \
        for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)                                             \
            if (nnc_add_table(module, entries[i].attribute, entries[i].table, entries[i].capsule) < 0) return -1; \
        return 0;                                                                                                 \
    }                                                                                                             \
    PyMODINIT_FUNC PyInit_##name(void) {                                                                          \
        static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)nnc_fill_module}, NNC_GIL_SLOT, {0, NULL}};      \
        static PyModuleDef definition = {PyModuleDef_HEAD_INIT, #name, doc, 0, NULL, slots, NULL, NULL, NULL};    \
        return PyModuleDef_Init(&definition);                                                                     \
    }

#endif
