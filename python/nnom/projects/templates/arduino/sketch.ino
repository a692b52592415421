// Made by NNoM. This file is yours. The models are @@names; your sensor goes into src/@@{first}_app.c.
// 8-bit AVR boards keep constants in RAM, so only very small models fit there; take a 32-bit board for others.
@@includes
static void say(const char *line)
{
    Serial.println(line);
}

void setup()
{
    Serial.begin(115200);
    delay(10);
}

void loop()
{
    bool good = true;
@@shows    if (!good) {
        Serial.println("stopped");
        for (;;) {
        }
    }
    delay(1000);
}
