    static @@type row[@@{NAME}_INPUT_W * @@{NAME}_INPUT_C];
    enum { ROW = @@{NAME}_INPUT_W * @@{NAME}_INPUT_C };
    nnom_status_t status = NNOM_MORE;
@@reset    for (int at = 0; status == NNOM_MORE; at += ROW) { /* a row each time that the sensor has one */
        for (int i = 0; i < ROW; i++) {
            row[i] = @@stored;
        }
        status = @@{name}_feed(row, 1);
    }
    if (status != NNOM_OK) {
        return status;
    }
