    const nnom_status_t status = @@{name}_run();
    if (status != NNOM_OK) {
        return status;
    }
