"""The life of a run: asked for, begun, recorded, stopped, resumed, finished."""
