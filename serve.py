"""The studio with the routes of Jam: what `make run` starts.

streamlit run serve.py
"""

import streamlit as st

from ui import drag, server, stems
from ui.jam import routes

app = st.App("app.py", routes=[*routes(), drag.route(), stems.route()], lifespan=server.studio, middleware=server.DOORS)
