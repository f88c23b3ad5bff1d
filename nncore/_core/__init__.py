"""The compiled core. It knows no component: it runs whatever function table it is handed."""
