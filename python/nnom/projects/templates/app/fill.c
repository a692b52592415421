    @@type *input@@n = @@{name}_input@@n();
    for (int i = 0; i < @@{NAME}_INPUT@@{n}_COUNT; i++) {
        input@@n[i] = @@stored;
    }
