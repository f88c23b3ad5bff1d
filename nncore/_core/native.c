/* The module that hands out the built-in components' tables as capsules, at the CPU level chosen once at import.
 *
 * setup.py writes native_list.h from the files it finds (activations/relu.c gives COMPONENT(activation, relu)) and the levels
 * it compiles. NNCORE_CPU forces a level, "portable" or "v3" or "v4", which must be one this machine can run. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "nncore/plugin.h"

/* Declare every table of every level. */
#define COMPONENT(kind, name, level) extern const nnc_##kind nnc_##kind##_##name##_##level;
#define LEVEL(level) COMPONENTS(level)
#include "native_list.h"
LEVELS
#undef COMPONENT
#undef LEVEL

static int machine_can_run(const char *level) {
    if (strcmp(level, "portable") == 0) return 1;
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
    __builtin_cpu_init();
    int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    if (strcmp(level, "v3") == 0) return v3;
    if (strcmp(level, "v4") == 0)
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#endif
    return 0;
}

/* The levels compiled into this build, from the plainest to the newest. */
static const char *const level_names[] = {
#define LEVEL(level) #level,
    LEVELS
#undef LEVEL
};
#define N_LEVELS ((int)(sizeof level_names / sizeof *level_names))

static int choose_level(void) {
    const char *forced = getenv("NNCORE_CPU");
    if (forced != NULL && *forced != '\0') {
        for (int i = 0; i < N_LEVELS; i++)
            if (strcmp(level_names[i], forced) == 0 && machine_can_run(forced)) return i;
        PyObject *usable = PyList_New(0);
        for (int i = 0; usable != NULL && i < N_LEVELS; i++)
            if (machine_can_run(level_names[i])) {
                PyObject *name = PyUnicode_FromString(level_names[i]);
                if (name == NULL || PyList_Append(usable, name) < 0) Py_CLEAR(usable);
                Py_XDECREF(name);
            }
        if (usable != NULL) PyErr_Format(PyExc_ImportError, "NNCORE_CPU=%s: this build and machine offer %R", forced, usable);
        Py_XDECREF(usable);
        return -1;
    }
    int best = 0;
    for (int i = 0; i < N_LEVELS; i++)
        if (machine_can_run(level_names[i])) best = i;
    return best;
}

static int add_capsule(PyObject *module, const char *attribute, const void *table, const char *capsule_name) {
    PyObject *capsule = PyCapsule_New((void *)table, capsule_name, NULL);
    int status = PyModule_AddObjectRef(module, attribute, capsule);
    Py_XDECREF(capsule);
    return status;
}

static int fill(PyObject *module) {
    int chosen = choose_level(), index = 0;
    if (chosen < 0) return -1;
#define COMPONENT(kind, name, level) \
    if (add_capsule(module, #kind "_" #name, &nnc_##kind##_##name##_##level, "nncore." #kind) < 0) return -1;
#define LEVEL(level)             \
    if (index++ == chosen) {     \
        COMPONENTS(level)        \
    }
    LEVELS
#undef LEVEL
#undef COMPONENT
    PyObject *levels = PyTuple_New(N_LEVELS);
    if (levels == NULL) return -1;
    for (int i = 0; i < N_LEVELS; i++) {
        PyObject *name = PyUnicode_FromString(level_names[i]);
        if (name == NULL) {
            Py_DECREF(levels);
            return -1;
        }
        PyTuple_SET_ITEM(levels, i, name);
    }
    int status = PyModule_AddObjectRef(module, "LEVELS", levels);
    Py_DECREF(levels);
    return status < 0 ? -1 : PyModule_AddStringConstant(module, "LEVEL", level_names[chosen]);
}

static PyObject *py_machine_can_run(PyObject *module, PyObject *level) {
    (void)module;
    const char *name = PyUnicode_AsUTF8(level);
    return name == NULL ? NULL : PyBool_FromLong(machine_can_run(name));
}

static PyMethodDef methods[] = {
    {"machine_can_run", py_machine_can_run, METH_O, "Whether this machine has the instructions of a CPU level."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "native", "Compiled tables of the built-in components, at one CPU level.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&definition); }
