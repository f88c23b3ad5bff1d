/* The Python module with the tables of the built-in components, in capsules, at the CPU level that is chosen at import.
 *
 * setup.py writes native_list.h from the files it finds (activations/relu.c gives COMPONENT(activation, relu)) and the levels it
 * compiles. NNCORE_CPU forces a level, such as "portable" or "v3", which must be one this machine can run. */
#include "nncore/module.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "crew.h"
#include "kernels/host.h"
#include "kernels/lbfgs.h"
#include "measurement.h"
#include "nncore/plugin.h"
#include "runner.h"
#include "threads.h"

/* Declare every table of every level. */
#define COMPONENT(kind, name, level) extern const nnc_##kind nnc_##kind##_##name##_##level;
#define LEVEL(level)                           \
    extern const nnc_host NNC_HOST(level);     \
    extern const nnc_lbfgs NNC_LBFGS(level);   \
    extern const nnc_peak NNC_PEAK(level);     \
    extern const nnc_runner NNC_RUNNER(level); \
    extern nnc_lender NNC_LENDER(level);       \
    COMPONENTS(level)
#include "native_list.h"
LEVELS
#undef COMPONENT
#undef LEVEL

/* The levels compiled into this build, from the oldest to the newest. */
static const struct {
    const char *name;
    const nnc_host *host;
    const nnc_lbfgs *lbfgs;
    const nnc_peak *peak;
    const nnc_runner *runner;
    nnc_lender *lend;
} levels[] = {
#define LEVEL(level) {#level, &NNC_HOST(level), &NNC_LBFGS(level), &NNC_PEAK(level), &NNC_RUNNER(level), NNC_LENDER(level)},
    LEVELS
#undef LEVEL
};
#define N_LEVELS ((int)(sizeof levels / sizeof *levels))

typedef struct module_state {
    const nnc_peak *peak; /* of the chosen level */
    nnc_lender *lend;     /* likewise */
    int has_bfloat16;     /* products in bfloat16 are compiled at that level, and the machine runs them */
} module_state;

static int choose_level(void) {
    const char *forced = getenv("NNCORE_CPU");
    if (forced != NULL && *forced != '\0') {
        for (int i = 0; i < N_LEVELS; i++)
            if (strcmp(levels[i].name, forced) == 0 && nnc_machine_can_run(forced)) return i;
        PyObject *usable = PyList_New(0);
        for (int i = 0; usable != NULL && i < N_LEVELS; i++)
            if (nnc_machine_can_run(levels[i].name)) {
                PyObject *name = PyUnicode_FromString(levels[i].name);
                if (name == NULL || PyList_Append(usable, name) < 0) Py_CLEAR(usable);
                Py_XDECREF(name);
            }
        if (usable != NULL) PyErr_Format(PyExc_ImportError, "NNCORE_CPU=%s: this build and machine offer %R", forced, usable);
        Py_XDECREF(usable);
        return -1;
    }
    int best = 0;
    for (int i = 0; i < N_LEVELS; i++)
        if (nnc_machine_can_run(levels[i].name)) best = i;
    return best;
}

static int fill(PyObject *module) {
    int chosen = choose_level(), index = 0;
    if (chosen < 0) return -1;
    const nnc_peak *peak = levels[chosen].peak;
    int has_bfloat16 = strcmp(levels[chosen].name, "v4") == 0 && nnc_machine_has_bfloat16();
    *(module_state *)PyModule_GetState(module) = (module_state){peak, levels[chosen].lend, has_bfloat16};
    if (nnc_add_table(module, "runner", levels[chosen].runner, "nncore._core.runner") < 0) return -1;
    if (nnc_add_table(module, "crew", &nnc_crew_functions, "nncore._core.crew") < 0) return -1;
    if (nnc_add_table(module, "lbfgs", levels[chosen].lbfgs, "nncore._core.lbfgs") < 0) return -1;
    if (nnc_add_table(module, "host", levels[chosen].host, "nncore.host") < 0) return -1;
#define COMPONENT(kind, name, level) \
    if (nnc_add_table(module, #kind "_" #name, &nnc_##kind##_##name##_##level, "nncore." #kind) < 0) return -1;
#define LEVEL(level) \
    if (index++ == chosen) { COMPONENTS(level) }
    LEVELS
#undef LEVEL
#undef COMPONENT
    PyObject *names = PyTuple_New(N_LEVELS);
    if (names == NULL) return -1;
    for (int i = 0; i < N_LEVELS; i++) {
        PyObject *name = PyUnicode_FromString(levels[i].name);
        if (name == NULL) {
            Py_DECREF(names);
            return -1;
        }
        PyTuple_SET_ITEM(names, i, name);
    }
    int status = PyModule_AddObjectRef(module, "LEVELS", names);
    Py_DECREF(names);
    if (status < 0 || PyModule_AddStringConstant(module, "INSTRUCTIONS", peak->instructions) < 0) return -1;
    if (PyModule_AddObjectRef(module, "HAS_BFLOAT16", has_bfloat16 ? Py_True : Py_False) < 0) return -1;
    return PyModule_AddStringConstant(module, "LEVEL", levels[chosen].name);
}

static PyObject *py_machine_can_run(PyObject *module, PyObject *level) {
    (void)module;
    const char *name = PyUnicode_AsUTF8(level);
    return name == NULL ? NULL : PyBool_FromLong(nnc_machine_can_run(name));
}

static PyObject *py_bound_processors(PyObject *module, PyObject *nothing) {
    (void)module, (void)nothing;
    return PyLong_FromLong(nnc_bound_processors());
}

static int check_seconds(double seconds) {
    if (isfinite(seconds) && seconds >= 0) return 0;
    PyErr_SetString(PyExc_ValueError, "seconds must be finite and at least 0");
    return -1;
}

static int check_bfloat16(PyObject *module, int rounds) {
    if (!rounds || ((module_state *)PyModule_GetState(module))->has_bfloat16) return 0;
    PyErr_SetString(PyExc_ValueError, "this machine has no instructions for products in bfloat16 at the chosen CPU level");
    return -1;
}

static PyObject *py_peak_flops(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"is_f64", "seconds", NULL};
    int is_f64;
    double seconds, flops;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "pd:peak_flops", names, &is_f64, &seconds) || check_seconds(seconds) < 0) return NULL;
    const nnc_peak *peak = ((module_state *)PyModule_GetState(module))->peak;
    Py_BEGIN_ALLOW_THREADS
    flops = nnc_peak_flops(peak, is_f64, seconds);
    Py_END_ALLOW_THREADS
    return PyFloat_FromDouble(flops);
}

static PyObject *py_memory_bandwidth(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"n_bytes", "seconds", NULL};
    Py_ssize_t n_bytes;
    double seconds, bandwidth;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "nd:memory_bandwidth", names, &n_bytes, &seconds) || check_seconds(seconds) < 0)
        return NULL;
    int64_t n_parameters = n_bytes / (Py_ssize_t)(4 * sizeof(float));
    if (n_parameters < 1) return PyErr_Format(PyExc_ValueError, "n_bytes must be at least 16, not %zd", n_bytes);
    const nnc_peak *peak = ((module_state *)PyModule_GetState(module))->peak;
    Py_BEGIN_ALLOW_THREADS
    bandwidth = nnc_memory_bandwidth(peak, n_parameters, seconds);
    Py_END_ALLOW_THREADS
    return bandwidth < 0 ? PyErr_NoMemory() : PyFloat_FromDouble(bandwidth);
}

static PyObject *py_product_flops(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"bfloat16", "seconds", NULL};
    int rounds;
    double seconds, flops;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "pd:product_flops", names, &rounds, &seconds) || check_seconds(seconds) < 0 ||
        check_bfloat16(module, rounds) < 0)
        return NULL;
    const nnc_peak *peak = ((module_state *)PyModule_GetState(module))->peak;
    Py_BEGIN_ALLOW_THREADS
    flops = nnc_product_flops(peak, rounds, seconds);
    Py_END_ALLOW_THREADS
    return flops < 0 ? PyErr_NoMemory() : PyFloat_FromDouble(flops);
}

static PyObject *py_bfloat16_instructions(PyObject *module, PyObject *nothing) {
    (void)nothing;
    if (!((module_state *)PyModule_GetState(module))->has_bfloat16) Py_RETURN_NONE;
    return PyUnicode_FromString(nnc_uses_amx() ? "AMX" : "AVX512_BF16");
}

static PyObject *py_use_amx(PyObject *module, PyObject *wanted) {
    int wants = PyObject_IsTrue(wanted);
    if (wants < 0) return NULL;
    return PyBool_FromLong(nnc_use_amx(wants && ((module_state *)PyModule_GetState(module))->has_bfloat16));
}

static PyObject *py_lend(PyObject *module, PyObject *args, PyObject *keywords) {
    static char *names[] = {"room", "bfloat16", NULL};
    int lends, rounds = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "p|p:lend", names, &lends, &rounds) || check_bfloat16(module, rounds) < 0) return NULL;
    if (((module_state *)PyModule_GetState(module))->lend(lends, rounds) < 0) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(lend_doc,
             "lend(room, bfloat16=False)\n--\n\n"
             "Lend this thread memory for the copies of matrix products, as a run does, or take it back. A kernel that a test calls\n"
             "by itself does without, and multiplies large matrices more slowly. With bfloat16, products of the thread round their\n"
             "factors from now on, as in a run that does. Not to be called within a run.");
PyDoc_STRVAR(bfloat16_instructions_doc,
             "bfloat16_instructions()\n--\n\n"
             "What products in bfloat16 are made with: 'AMX', 'AVX512_BF16', or None if they cannot be made. The first call asks the\n"
             "system whether this process may use AMX.");
PyDoc_STRVAR(use_amx_doc,
             "use_amx(wanted)\n--\n\n"
             "For tests: let products in bfloat16 use AMX or AVX512_BF16 from now on, in all threads. Returns whether they use AMX.");
PyDoc_STRVAR(product_flops_doc,
             "product_flops(bfloat16, seconds)\n--\n\n"
             "Floating-point operations a second of one thread in a product of two 256 x 256 matrices as layers make it, in float32\n"
             "or in bfloat16, the best of those that fit into `seconds`.");
PyDoc_STRVAR(peak_flops_doc,
             "peak_flops(is_f64, seconds)\n--\n\n"
             "Floating-point operations a second of one thread at the chosen CPU level: independent multiply-adds in registers,\n"
             "in float64 or float32, the best burst within about `seconds`. Other threads may run meanwhile.");
PyDoc_STRVAR(memory_bandwidth_doc,
             "memory_bandwidth(n_bytes, seconds)\n--\n\n"
             "Bytes a second that one thread moves in a pass like Adam's over four float32 arrays of `n_bytes` together:\n"
             "28 bytes a parameter, 4 arrays read and 3 written. The best pass within about `seconds`, at least one.");

static PyMethodDef methods[] = {
    {"machine_can_run", py_machine_can_run, METH_O, "Whether this machine has the instructions of a CPU level."},
    {"bound_processors", py_bound_processors, METH_NOARGS, "Processors that Windows binds this process to; 0 for all, and elsewhere."},
    {"lend", (PyCFunction)(void (*)(void))py_lend, METH_VARARGS | METH_KEYWORDS, lend_doc},
    {"bfloat16_instructions", py_bfloat16_instructions, METH_NOARGS, bfloat16_instructions_doc},
    {"use_amx", py_use_amx, METH_O, use_amx_doc},
    {"product_flops", (PyCFunction)(void (*)(void))py_product_flops, METH_VARARGS | METH_KEYWORDS, product_flops_doc},
    {"peak_flops", (PyCFunction)(void (*)(void))py_peak_flops, METH_VARARGS | METH_KEYWORDS, peak_flops_doc},
    {"memory_bandwidth", (PyCFunction)(void (*)(void))py_memory_bandwidth, METH_VARARGS | METH_KEYWORDS, memory_bandwidth_doc},
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
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "native",
    .m_doc = "Compiled tables of the built-in components, at one CPU level, and what that level can do on this machine.",
    .m_size = sizeof(module_state),
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_native(void) { return PyModuleDef_Init(&definition); }
