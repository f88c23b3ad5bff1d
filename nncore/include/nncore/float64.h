/* Selects double for the template that is included next: T is the type, F(name) the name of a function for it. */
#undef T
#undef F
#define T double
#define F(name) name##_f64
