/* Value i of an input of @@shape, rows first, in the numbers that the network was trained with: read your sensor's buffer here. */
static float @@{name}_sensor@@n(int i)
{
    (void)i;
    return 0.0f;
}
