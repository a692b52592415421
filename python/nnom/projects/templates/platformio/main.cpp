// Made by NNoM. This file is yours. The models are @@names; your sensor goes into src/@@{first}_app.c.
#ifdef ARDUINO
#include <Arduino.h>
#else
#include <cstdio>
#endif

@@includes
static void say(const char *line)
{
#ifdef ARDUINO
    Serial.println(line);
#else
    std::puts(line);
#endif
}

static bool show()
{
    bool good = true;
@@shows    return good;
}

#ifdef ARDUINO
void setup()
{
    Serial.begin(115200);
}

void loop()
{
    show();
    delay(1000);
}
#else
int main()
{
    return show() ? 0 : 1;
}
#endif
