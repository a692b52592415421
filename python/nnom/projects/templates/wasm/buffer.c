static float @@{name}_web_input@@n[@@{NAME}_INPUT@@{n}_COUNT];

float *@@{name}_web_inputs@@n(void);

/* An input of @@shape, rows first: the page writes it before each run. */
WEB_EXPORT("@@{name}_inputs@@n") float *@@{name}_web_inputs@@n(void)
{
    return @@{name}_web_input@@n;
}

static float @@{name}_sensor@@n(int i)
{
    return @@{name}_web_input@@n[i % @@{NAME}_INPUT@@{n}_COUNT];
}
