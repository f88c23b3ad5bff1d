/* Selects float for the template that is included next: T is the type, F(name) the name of a function for it. */
#undef T
#undef F
#define T float
#define F(name) name##_f32
